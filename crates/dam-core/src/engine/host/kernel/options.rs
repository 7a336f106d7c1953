//! The options of the kernel that an engine uses.
//!
//! The names are those of moby's `contrib/check-config.sh` (<https://github.com/moby/moby/blob/master/contrib/check-config.sh>),
//! sorted anew by what fails without them: there, legacy iptables is necessary everywhere, though a kernel without it runs
//! containers where `iptables` speaks to nf_tables.

use serde::Serialize;

use super::version::KernelVersion;

/// An option that an engine uses, or several of which one will do: names changed from kernel to kernel.
pub(super) struct Wish {
    /// Its names, without `CONFIG_`; the first is the one to speak of.
    pub(super) options: &'static [&'static str],
    /// What the modules are called, if it can be one; one will do.
    pub(super) modules: &'static [&'static str],
    /// What it is for.
    pub(super) role: Role,
    /// The first kernel that has it.
    pub(super) since: KernelVersion,
    /// The first kernel that has it no more, or has it always.
    pub(super) until: KernelVersion,
}

/// What an option is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// No container starts without it, or none has a network.
    Needed,
    /// The same, with control groups of version 1.
    CgroupV1,
    /// The same, with control groups of version 2.
    CgroupV2,
    /// The same, where the engine calls `iptables`, whichever.
    Iptables,
    /// The same, where `iptables` is the legacy one.
    LegacyTables,
    /// The same, where `iptables` speaks to nf_tables.
    NftTables,
    /// The same, where the engine's own backend is nftables.
    NftBackend,
    /// Something else works only with it.
    Useful(Purpose),
}

/// What would work with an option.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[cfg_attr(test, derive(serde::Deserialize))]
#[serde(rename_all = "kebab-case")]
pub enum Purpose {
    /// Containers are kept apart from the machine: profiles for system calls, users of their own.
    Security,
    /// Limits on memory, processors, processes and disks.
    Limits,
    /// Rules of the firewall for what passes a bridge, or against what comes from outside.
    Firewall,
    /// Networks with IPv6.
    Ipv6,
    /// Swarms.
    Swarm,
    /// Networks of the drivers ipvlan and macvlan.
    Networks,
}

const ALWAYS: (KernelVersion, KernelVersion) = (KernelVersion::new(0, 0), KernelVersion::new(u32::MAX, 0));

const fn wish(role: Role, options: &'static [&'static str], modules: &'static [&'static str]) -> Wish {
    Wish { options, modules, role, since: ALWAYS.0, until: ALWAYS.1 }
}

const fn useful(purpose: Purpose, options: &'static [&'static str], modules: &'static [&'static str]) -> Wish {
    wish(Role::Useful(purpose), options, modules)
}

impl Wish {
    const fn since(mut self, major: u32, minor: u32) -> Self {
        self.since = KernelVersion::new(major, minor);
        self
    }

    const fn until(mut self, major: u32, minor: u32) -> Self {
        self.until = KernelVersion::new(major, minor);
        self
    }
}

/// All options, those without which nothing works first.
pub(super) const WISHES: [Wish; 51] = [
    wish(Role::Needed, &["NAMESPACES"], &[]),
    wish(Role::Needed, &["NET_NS"], &[]),
    wish(Role::Needed, &["PID_NS"], &[]),
    wish(Role::Needed, &["IPC_NS"], &[]),
    wish(Role::Needed, &["UTS_NS"], &[]),
    wish(Role::Needed, &["CGROUPS"], &[]),
    // `/dev/mqueue` of every container.
    wish(Role::Needed, &["POSIX_MQUEUE"], &[]),
    // `/dev/pts` of every container; newer kernels have it always.
    wish(Role::Needed, &["DEVPTS_MULTIPLE_INSTANCES"], &[]).until(4, 7),
    wish(Role::Needed, &["OVERLAY_FS"], &["overlay"]),
    wish(Role::Needed, &["VETH"], &["veth"]),
    wish(Role::Needed, &["BRIDGE"], &["bridge"]),
    wish(Role::Needed, &["NF_NAT"], &["nf_nat"]),
    wish(Role::CgroupV1, &["CGROUP_DEVICE"], &[]),
    wish(Role::CgroupV1, &["CGROUP_FREEZER"], &[]),
    // Devices of containers are a BPF program there.
    wish(Role::CgroupV2, &["CGROUP_BPF"], &[]).since(4, 15),
    wish(Role::Iptables, &["NETFILTER_XT_MATCH_ADDRTYPE"], &["xt_addrtype"]),
    wish(Role::Iptables, &["NETFILTER_XT_MATCH_CONNTRACK"], &["xt_conntrack"]),
    wish(
        Role::Iptables,
        &["IP_NF_TARGET_MASQUERADE", "NETFILTER_XT_TARGET_MASQUERADE"],
        &["xt_MASQUERADE", "ipt_MASQUERADE"],
    ),
    wish(Role::LegacyTables, &["IP_NF_IPTABLES"], &["ip_tables"]),
    wish(Role::LegacyTables, &["IP_NF_FILTER"], &["iptable_filter"]),
    wish(Role::LegacyTables, &["IP_NF_NAT", "NF_NAT_IPV4"], &["iptable_nat"]),
    wish(Role::NftTables, &["NF_TABLES"], &["nf_tables"]),
    wish(Role::NftTables, &["NFT_COMPAT"], &["nft_compat"]),
    wish(Role::NftTables, &["NFT_NAT", "NFT_CHAIN_NAT_IPV4"], &["nft_chain_nat", "nft_chain_nat_ipv4", "nft_nat"]),
    wish(Role::NftBackend, &["NF_TABLES"], &["nf_tables"]),
    wish(Role::NftBackend, &["NFT_CT"], &["nft_ct"]),
    wish(Role::NftBackend, &["NFT_FIB_IPV4"], &["nft_fib_ipv4"]),
    wish(Role::NftBackend, &["NFT_MASQ"], &["nft_masq"]),
    wish(Role::NftBackend, &["NFT_NAT"], &["nft_nat", "nft_chain_nat"]),
    useful(Purpose::Security, &["SECCOMP"], &[]),
    useful(Purpose::Security, &["SECCOMP_FILTER"], &[]),
    useful(Purpose::Security, &["USER_NS"], &[]),
    useful(Purpose::Security, &["KEYS"], &[]),
    useful(Purpose::Limits, &["MEMCG", "CGROUP_MEM_RES_CTLR"], &[]),
    useful(Purpose::Limits, &["CPUSETS"], &[]),
    useful(Purpose::Limits, &["CGROUP_CPUACCT"], &[]),
    useful(Purpose::Limits, &["CGROUP_SCHED"], &[]),
    useful(Purpose::Limits, &["CFS_BANDWIDTH"], &[]),
    useful(Purpose::Limits, &["CGROUP_PIDS"], &[]).since(4, 3),
    useful(Purpose::Limits, &["BLK_CGROUP"], &[]),
    useful(Purpose::Limits, &["BLK_DEV_THROTTLING"], &[]),
    // A module of its own from then on.
    useful(Purpose::Firewall, &["BRIDGE_NETFILTER"], &["br_netfilter"]).since(3, 18),
    // Docker 28 and newer keep other machines from the addresses of containers with it.
    useful(Purpose::Firewall, &["IP_NF_RAW", "NF_TABLES"], &["iptable_raw", "nf_tables"]),
    useful(Purpose::Ipv6, &["IP6_NF_FILTER", "NF_TABLES"], &["ip6table_filter", "nf_tables"]),
    useful(
        Purpose::Ipv6,
        &["IP6_NF_NAT", "NF_NAT_IPV6", "NFT_NAT", "NFT_CHAIN_NAT_IPV6"],
        &["ip6table_nat", "nft_chain_nat", "nft_nat"],
    ),
    useful(Purpose::Swarm, &["VXLAN"], &["vxlan"]),
    useful(Purpose::Swarm, &["IP_VS"], &["ip_vs"]),
    useful(Purpose::Swarm, &["NETFILTER_XT_MATCH_IPVS"], &["xt_ipvs"]),
    useful(Purpose::Swarm, &["NETFILTER_XT_MARK"], &["xt_mark"]),
    useful(Purpose::Networks, &["IPVLAN"], &["ipvlan"]).since(4, 2),
    useful(Purpose::Networks, &["MACVLAN"], &["macvlan"]),
];
