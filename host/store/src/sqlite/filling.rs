//! Fills the filter of known keys from the rows that are there when the store is opened, on a thread of its own: a million
//! records take some seconds, in which every question is answered by a read.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use rusqlite::{Connection, Row};

use super::connection::{Database, SqliteReader};
use super::known::{KeyOf, Known};
use crate::StoreError;

/// Rows between two looks at whether the store is being closed.
const ROWS_A_LOOK: usize = 4096;

/// Where the keys are: merchant, then the parts of the key.
const KEYS: [(KeyOf, &str); 10] = [
    (KeyOf::Event, "SELECT merchant_no, source, event_id FROM events JOIN sources USING (source_no)"),
    (KeyOf::AfterSales, "SELECT merchant_no, order_id FROM after_sale_cases"),
    (KeyOf::Grants, "SELECT merchant_no, order_id FROM delay_grants"),
    (KeyOf::Incidents, "SELECT merchant_no, customer FROM incidents"),
    (KeyOf::Measure, "SELECT merchant_no, customer FROM measures"),
    (KeyOf::Request, "SELECT merchant_no, request_id FROM blacklist_requests"),
    (KeyOf::Subject, "SELECT merchant_no, subject FROM subject_keys"),
    (KeyOf::CountedOrder, "SELECT merchant_no, order_id FROM counted"),
    (KeyOf::CountedCustomer, "SELECT merchant_no, customer FROM counted WHERE customer IS NOT NULL"),
    (KeyOf::Intent, "SELECT merchant_no, key, payment FROM intents"),
];

/// The thread; dropping it ends it.
pub(super) struct Filling {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Filling {
    /// Starts to fill. What is written from now on adds its own keys.
    ///
    /// # Errors
    /// The operating system gives no thread.
    pub(super) fn start(reader: SqliteReader, known: Arc<Known>) -> Result<Self, StoreError> {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let fill = move || {
            let connection = &reader.db().connection;
            // What cannot be read stays unknown: the filter is not complete then, and everything is read.
            if KEYS.iter().all(|(of, sql)| fill_from(connection, *of, sql, &known, &stopped).unwrap_or(false)) {
                known.completed();
            }
        };
        let thread = std::thread::Builder::new().name("ombud-known".to_owned()).spawn(fill);
        let thread = thread.map_err(|error| StoreError::backend("start to read what is known", error))?;
        Ok(Self { stop, thread: Some(thread) })
    }
}

impl Drop for Filling {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            _ = thread.join();
        }
    }
}

/// Adds the keys of one table; false where it was stopped.
fn fill_from(connection: &Connection, of: KeyOf, sql: &str, known: &Known, stop: &AtomicBool) -> rusqlite::Result<bool> {
    let mut query = connection.prepare(sql)?;
    let columns = query.column_count();
    let mut rows = query.query([])?;
    let mut read = 0_usize;
    while let Some(row) = rows.next()? {
        if read.is_multiple_of(ROWS_A_LOOK) && stop.load(Ordering::Relaxed) {
            return Ok(false);
        }
        read += 1;
        let merchant = row.get(0)?;
        match columns {
            2 => known.add(of, merchant, &[text(row, 1)?]),
            _ => known.add(of, merchant, &[text(row, 1)?, text(row, 2)?]),
        }
    }
    Ok(true)
}

fn text<'a>(row: &'a Row<'_>, column: usize) -> rusqlite::Result<&'a str> {
    Ok(row.get_ref(column)?.as_str()?)
}
