//! Storage: what the service reads and writes, as traits, and the embedded SQLite store behind them.
//!
//! One writer thread ([`Writer`]) runs waiting jobs in groups, each group one durable transaction; nothing is answered
//! before its group is on stable storage. Readers use connections of their own and see committed groups only.

mod admin;
mod check;
mod error;
mod export;
mod history;
mod ledger;
mod listing;
mod money;
mod privacy;
mod rollout;
mod sqlite;
mod store;
mod tree;
mod versions;
mod writer;

pub use self::admin::{ApiKeyRow, MerchantRow, ReadAdmin, SubjectKey, WriteAdmin};
pub use self::check::{CheckReport, Checked, FINDINGS_MAX, Finding, Place, Publication};
pub use self::error::StoreError;
pub use self::export::{ExportRow, ReadExport};
pub use self::history::{
    AfterSaleRow, CaseState, DueMeasure, GrantRow, IncidentRow, LineHistory, MeasureRow, ReadHistory, RequestRow, StepRow, WriteHistory,
};
pub use self::ledger::{
    DecisionRecord, EntryKind, EventSeen, Extent, ListedHeader, Listing, NewRecord, ReadLedger, StoredRecord, Wanted, WriteLedger,
};
pub use self::listing::{Filter, ListedEntry, PAGE_ENTRIES_MAX, Page};
pub use self::money::{Count, IntentPart, ReadMoney, UsageOf, WriteMoney};
pub use self::privacy::{Erased, Erasure, HoldRow, HoldScope, MARK, ReadPrivacy, TICKETS, WritePrivacy};
pub use self::rollout::{Decided, FirstOf, ReadRollouts, ShadowRow, WriteRollouts};
pub use self::sqlite::{
    DirectoryLock, Emptying, Gone, Inspection, Rebuilt, Scratch, SqliteReader, SqliteReaders, SqliteStore, SqliteWriter, lone_commit_micros,
};
pub use self::store::{Group, Reads, Store, Transactions};
pub use self::tree::{CHECKPOINTS_KEPT, CheckpointRow, CosignatureRow, LogTiles, ReadTree, WriteTree, log_hashes};
pub use self::versions::{Origin, ReadVersions, SigningKeyRow, VersionCursor, VersionRow, VersionState, WriteVersions};
pub use self::writer::{GroupDone, JobError, Writer, WriterLimits};
