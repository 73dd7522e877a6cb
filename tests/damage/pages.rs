//! A database whose pages make no sense: every command says which file is damaged and what helps.

use std::fs::OpenOptions;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use ombud_tests::command::{copy_folder, demo_data, on, path};
use ombud_tests::random::Random;
use rusqlite::Connection;

/// What somebody does to a file.
type Damage = fn(&Path);

fn truncated(database: &Path) {
    OpenOptions::new().write(true).open(database).unwrap().set_len(50_000).unwrap();
}

fn overwritten(database: &Path) {
    let length = std::fs::metadata(database).unwrap().len();
    let mut random = Random(7);
    let noise: Vec<u8> = (8_192..length).map(|_| u8::try_from(random.below(256)).unwrap()).collect();
    OpenOptions::new().write(true).open(database).unwrap().write_all_at(&noise, 8_192).unwrap();
}

fn beheaded(database: &Path) {
    OpenOptions::new().write(true).open(database).unwrap().write_all_at(&[7; 100], 0).unwrap();
}

#[test]
fn a_database_whose_pages_make_no_sense_is_named_with_what_helps() {
    let folder = demo_data();
    let seed = folder.path().join("data");
    // Nothing is left in the log, from which pages would be read.
    let database = Connection::open(seed.join("ombud.db")).unwrap();
    database.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
    drop(database);
    let damages: [(&str, Damage); 3] = [("truncated", truncated), ("overwritten", overwritten), ("beheaded", beheaded)];
    for (name, damage) in damages {
        let data = folder.path().join(name);
        copy_folder(&seed, &data);
        damage(&data.join("ombud.db"));
        let backup = folder.path().join(format!("{name}-backup"));
        for command in [&["serve", "--listen", "127.0.0.1:0"][..], &["key", "list"], &["backup", "-o", path(&backup)]] {
            let ran = on(&data, command);
            ran.exits(2).complains("ombud.db` is damaged (").complains("ombud audit check --data").complains("ombud restore FOLDER --data");
        }
    }
}
