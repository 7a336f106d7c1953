//! What sets the firewall.

use serde::Serialize;

use super::kernel::Modules;
use super::settings::Settings;
use super::{EngineFinding, Look};

/// Where `iptables` writes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(serde::Deserialize))]
#[serde(rename_all = "lowercase")]
pub enum IptablesBackend {
    /// The kernel's own tables, as before iptables 1.8.
    Legacy,
    /// nf_tables, beside the rules of `nft`.
    Nft,
}

/// What an engine sets the firewall with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Means {
    /// `iptables`.
    Iptables(IptablesBackend),
    /// Its own backend nftables, and with it `nft`.
    Nftables,
    /// Nothing: the settings say so, or there is nothing.
    Nothing,
}

/// Tells what an engine with these settings uses.
pub(super) fn means(look: &Look, settings: &Settings) -> Means {
    if !settings.sets_firewall {
        return Means::Nothing;
    }
    if settings.nftables {
        return Means::Nftables;
    }
    // `iptables` leads over links to the program that it is: xtables-nft-multi, xtables-legacy-multi, or just xtables-multi
    // before 1.8.
    let programs = look.programs("iptables");
    let Some((_, target)) = programs.first() else { return Means::Nothing };
    let nft = target.file_name().is_some_and(|name| name.to_string_lossy().contains("nft"));
    Means::Iptables(if nft { IptablesBackend::Nft } else { IptablesBackend::Legacy })
}

/// Looks at the firewall.
pub(super) fn examine(
    look: &Look,
    settings: &Settings,
    engine: Option<u32>,
    modules: &Modules,
    findings: &mut Vec<EngineFinding>,
) {
    match means(look, settings) {
        Means::Nothing if settings.sets_firewall => {
            findings.push(EngineFinding::NoIptables { nft: look.has_program("nft"), engine });
        }
        Means::Nothing => {}
        Means::Nftables => {
            if !look.has_program("nft") {
                findings.push(EngineFinding::NoNft);
            }
            if look.word("/proc/sys/net/ipv4/ip_forward").is_some_and(|word| word == "0") {
                findings.push(EngineFinding::ForwardingOff);
            }
        }
        Means::Iptables(iptables) => {
            let elsewhere = match iptables {
                IptablesBackend::Legacy => modules.is_used("nf_tables"),
                // Only root may read it; the names of the tables that were ever used.
                IptablesBackend::Nft => look.word("/proc/net/ip_tables_names").is_some_and(|names| !names.is_empty()),
            };
            findings.push(match elsewhere {
                true => EngineFinding::MixedFirewall { iptables },
                false => EngineFinding::Firewall { backend: iptables },
            });
        }
    }
    // dockerd turns it on, but others turn it off again.
    let wanted = settings.filters_bridges && settings.sets_firewall;
    if wanted && look.word("/proc/sys/net/bridge/bridge-nf-call-iptables").is_some_and(|word| word == "0") {
        findings.push(EngineFinding::BridgeNetfilterOff);
    }
}
