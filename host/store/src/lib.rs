//! The storage trait and the embedded SQLite store.
