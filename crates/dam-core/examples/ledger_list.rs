//! Measures how long it takes to open the ledger and list 1,000 apps with long descriptions:
//! `cargo run --release -p dam-core --features testing --example ledger_list [FOLDER]`. With a folder, the ledger stays there.

#![allow(clippy::print_stdout, reason = "a measurement is shown to whoever runs it")]

use std::path::PathBuf;
use std::time::Instant;

use dam_core::ledger::{AppState, Change, Installed, Ledger, OperationKind, Source, Timestamp};
use dam_core::testing::release;
use serde_json::Value;

fn main() -> dam_core::Result<()> {
    let temporary = tempfile::tempdir().map_err(dam_core::Error::access("a temporary folder"))?;
    let folder = std::env::args_os().nth(1).map_or_else(|| temporary.path().to_owned(), PathBuf::from);
    std::fs::create_dir_all(&folder).map_err(dam_core::Error::access(&folder))?;
    let begun = Instant::now();
    let mut ledger = Ledger::open(&folder)?;
    for number in 0..1000 {
        let mut release = release(&format!("app{number}:1.0"));
        release.app.description = Some("description ".repeat(5000));
        let (source, installed_at) = (Source::Store, Timestamp(0));
        let installed = Installed { release, source, installed_at, state: AppState::Ok, previous: None };
        let change = Change::Put { installed: Box::new(installed), replacing: None };
        ledger.record(OperationKind::Install, &change, &Value::Null, Timestamp(0))?;
    }
    drop(ledger);
    println!("1,000 apps recorded in {:?}", begun.elapsed());

    let mut times: Vec<_> = (0..21)
        .map(|_| {
            let begun = Instant::now();
            let ledger = Ledger::open_existing(&folder)?.expect("it was just made");
            assert_eq!(ledger.list()?.len(), 1000);
            drop(ledger);
            Ok(begun.elapsed())
        })
        .collect::<dam_core::Result<_>>()?;
    times.sort();
    println!("opened and listed in {:?} (median of 21)", times[10]);
    Ok(())
}
