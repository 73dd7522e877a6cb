//! The storage traits, put together.

use crate::StoreError;
use crate::admin::{ReadAdmin, WriteAdmin};
use crate::export::ReadExport;
use crate::history::{ReadHistory, WriteHistory};
use crate::ledger::{ReadLedger, WriteLedger};
use crate::money::{ReadMoney, WriteMoney};
use crate::privacy::{ReadPrivacy, WritePrivacy};
use crate::rollout::{ReadRollouts, WriteRollouts};
use crate::tree::{ReadTree, WriteTree};
use crate::versions::{ReadVersions, WriteVersions};

/// Everything that can be read. Within a [`Group`] it sees the group's own writes, elsewhere committed groups only.
pub trait Reads:
    ReadLedger + ReadTree + ReadMoney + ReadHistory + ReadAdmin + ReadExport + ReadPrivacy + ReadVersions + ReadRollouts
{
}

impl<T: ReadLedger + ReadTree + ReadMoney + ReadHistory + ReadAdmin + ReadExport + ReadPrivacy + ReadVersions + ReadRollouts> Reads for T {}

/// A write group: one transaction in which waiting jobs run one after the other.
///
/// A job must not leave half of its rows: it looks first and writes when nothing can go wrong any more. Where one fails
/// after its first write, the whole group is rolled back and its jobs are run again one by one.
pub trait Group:
    Reads + WriteLedger + WriteTree + WriteMoney + WriteHistory + WriteAdmin + WritePrivacy + WriteVersions + WriteRollouts
{
}

impl<T: Reads + WriteLedger + WriteTree + WriteMoney + WriteHistory + WriteAdmin + WritePrivacy + WriteVersions + WriteRollouts> Group
    for T
{
}

/// The writing side of a store, driven by [`crate::Writer`].
pub trait Transactions: Group + Send {
    /// Begins a group.
    ///
    /// # Errors
    /// The database is gone or full.
    fn begin(&mut self) -> Result<(), StoreError>;

    /// Makes the group durable: when this returns, it survives a crash of the process and of the machine.
    ///
    /// # Errors
    /// Nothing of the group may then be acknowledged.
    fn commit(&mut self) -> Result<(), StoreError>;

    /// Drops the group.
    fn rollback(&mut self);

    /// Rows written since the group began; by it a job that failed half-way is noticed.
    fn writes(&self) -> u64;

    /// Records appended since the group began.
    fn appended(&self) -> u64;

    /// Why the disk took a statement of the group not, if one failed for that: whatever the job made of it.
    fn unwritable(&mut self) -> Option<StoreError> {
        None
    }

    /// Called between two groups, when every answer has been handed on: for what no answer should wait for.
    fn between_groups(&mut self) {}

    /// This, as the jobs see it.
    fn group(&mut self) -> &mut dyn Group;
}

/// A store: one writer, any number of readers.
pub trait Store: Send + Sync {
    /// Runs `read` on a connection of its own, which sees one snapshot throughout. Keep it short and page through long
    /// reads: a snapshot that is held keeps the log from being cut back.
    ///
    /// # Errors
    /// What `read` answers, or no connection could be opened.
    fn read<T, E: From<StoreError>>(&self, read: impl FnOnce(&dyn Reads) -> Result<T, E>) -> Result<T, E>
    where
        Self: Sized;

    /// The schema's version, for diagnostics.
    fn schema_version(&self) -> u32;
}
