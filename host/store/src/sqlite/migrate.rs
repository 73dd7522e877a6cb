//! The schema's versions, one script each; `PRAGMA user_version` says how many were run.

use std::path::Path;

use rusqlite::{Connection, TransactionBehavior};

use super::tree;
use crate::StoreError;

/// The scripts in order. A released script is never changed: what must change is the next one.
const SCRIPTS: [&str; 13] = [
    include_str!("migrations/0001.sql"),
    include_str!("migrations/0002.sql"),
    include_str!("migrations/0003.sql"),
    include_str!("migrations/0004.sql"),
    include_str!("migrations/0005.sql"),
    include_str!("migrations/0006.sql"),
    include_str!("migrations/0007.sql"),
    include_str!("migrations/0008.sql"),
    include_str!("migrations/0009.sql"),
    include_str!("migrations/0010.sql"),
    include_str!("migrations/0011.sql"),
    include_str!("migrations/0012.sql"),
    include_str!("migrations/0013.sql"),
];
/// The version that this program writes and reads.
#[expect(clippy::cast_possible_truncation, reason = "a handful of scripts")]
pub(super) const KNOWN: u32 = SCRIPTS.len() as u32;
/// The script that brought the trees: records from before it get theirs.
const TREES: u32 = 5;

/// `Ombd`: marks the file as this program's.
const APPLICATION_ID: i32 = 0x4f6d_6264;

/// Runs what is missing, each script in a transaction of its own. Returns the version reached.
pub(super) fn migrate(db: &mut Connection, path: &Path) -> Result<u32, StoreError> {
    let failed = |error| StoreError::unopened(path, "bring the schema up to date", error);
    let pragma = |db: &Connection, name: &str| db.pragma_query_value(None, name, |row| row.get::<_, i32>(0)).map_err(failed);
    let found = u32::try_from(pragma(db, "user_version")?).unwrap_or(u32::MAX);
    let tables: i64 = db.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0)).map_err(failed)?;
    if tables > 0 && pragma(db, "application_id")? != APPLICATION_ID {
        return Err(StoreError::Foreign { path: path.to_owned() });
    }
    if found > KNOWN {
        return Err(StoreError::Newer { found, known: KNOWN });
    }
    for (version, script) in (1..=KNOWN).zip(SCRIPTS).skip(found as usize) {
        let transaction = db.transaction_with_behavior(TransactionBehavior::Exclusive).map_err(failed)?;
        transaction.execute_batch(script).map_err(failed)?;
        if version == TREES {
            tree::build(&transaction)?;
        }
        transaction.pragma_update(None, "application_id", APPLICATION_ID).map_err(failed)?;
        transaction.pragma_update(None, "user_version", version).map_err(failed)?;
        transaction.commit().map_err(failed)?;
    }
    Ok(KNOWN)
}

/// Refuses a database that is not this program's, or not at this program's version.
pub(super) fn must_be_newest(db: &Connection) -> Result<(), StoreError> {
    let failed = |error| StoreError::backend_at(Path::new(db.path().unwrap_or_default()), "look at the schema", error);
    let pragma = |name: &str| db.pragma_query_value(None, name, |row| row.get::<_, i32>(0)).map_err(failed);
    let found = u32::try_from(pragma("user_version")?).unwrap_or(u32::MAX);
    match found {
        _ if pragma("application_id")? != APPLICATION_ID => Err(StoreError::Foreign { path: db.path().unwrap_or_default().into() }),
        found if found == KNOWN => Ok(()),
        found if found > KNOWN => Err(StoreError::Newer { found, known: KNOWN }),
        found => Err(StoreError::Older { found, known: KNOWN }),
    }
}
