//! Whether the database has the tables, columns, indexes, views and triggers that this program makes. A table that is empty is read by
//! nobody: damage to its definition shows nowhere else.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::LazyLock;

use rusqlite::Connection;

use super::Check;
use crate::check::Place;
use crate::sqlite::migrate;

/// Tables with their kind, their columns, and the columns of indexes; not the definitions' text, for a release of SQLite may
/// spell what `ALTER TABLE` leaves in another way. Views and triggers as they are.
const SHAPES: [&str; 4] = [
    "SELECT format('table `%s` (without rowid: %d, strict: %d)', name, wr, strict) FROM pragma_table_list
     WHERE schema = 'main' AND type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'",
    "SELECT format('column `%s` of `%s` (%s, not null: %d, key: %d, default: %s)', c.name, t.name, c.type, c.\"notnull\", c.pk, c.dflt_value)
     FROM sqlite_schema t JOIN pragma_table_xinfo(t.name) c WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite\\_%' ESCAPE '\\'",
    "SELECT format('column %d, `%s`, of index `%s` on `%s` (unique: %d, partial: %d)', c.seqno, c.name, i.name, t.name, i.\"unique\", i.partial)
     FROM sqlite_schema t JOIN pragma_index_list(t.name) i JOIN pragma_index_xinfo(i.name) c
     WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite\\_%' ESCAPE '\\' AND i.origin = 'c'",
    // Their whole text: it is all that they are, and they run beside every write and read.
    "SELECT format('%s `%s` on `%s`: %s', type, name, tbl_name, sql) FROM sqlite_schema WHERE type NOT IN ('table', 'index')",
];

/// What the migrations make, or why they do not run here.
static EXPECTED: LazyLock<Result<BTreeSet<String>, String>> = LazyLock::new(|| {
    let mut model = Connection::open_in_memory().map_err(|error| error.to_string())?;
    migrate::migrate(&mut model, Path::new("")).map_err(|error| error.to_string())?;
    shapes(&model).map_err(|error| error.to_string())
});

impl Check<'_> {
    /// Compares the schema with the one that the migrations make.
    pub(super) fn schema(&mut self) -> rusqlite::Result<()> {
        let expected = match EXPECTED.as_ref() {
            Ok(expected) => expected,
            Err(error) => {
                self.report.found(None, Place::Database, format!("this program's own schema cannot be made: {error}"));
                return Ok(());
            }
        };
        let stored = shapes(self.db)?;
        for missing in expected.difference(&stored) {
            self.report.found(None, Place::Database, format!("the schema lacks {missing}"));
        }
        for foreign in stored.difference(expected) {
            self.report.found(None, Place::Database, format!("the schema has {foreign}, which this program does not make"));
        }
        Ok(())
    }
}

/// Everything that the schema has, in words.
fn shapes(db: &Connection) -> rusqlite::Result<BTreeSet<String>> {
    let mut shapes = BTreeSet::new();
    for sql in SHAPES {
        let mut query = db.prepare(sql)?;
        let mut rows = query.query([])?;
        while let Some(row) = rows.next()? {
            // What is no UTF-8 any more is something else than what is expected.
            shapes.insert(String::from_utf8_lossy(row.get_ref(0)?.as_bytes()?).into_owned());
        }
    }
    Ok(shapes)
}
