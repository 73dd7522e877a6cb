//! A data directory that is only read: beside the server that holds it, or alone. Replays need no more.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, Result, bail};
use ombud_core::ids::MerchantId;
use ombud_core::kind::Kind;
use ombud_ledger::Engine;
use ombud_sandbox::{CodeKey, Sandbox};
use ombud_store::{EntryKind, Filter, PAGE_ENTRIES_MAX, SqliteReaders, Store as _, StoreError, VersionRow, Wanted};

use super::super::acts::OPERATOR;
use super::super::rollout;
use super::super::snapshot::{Binding, MerchantDocument};
use super::super::vault::Vault;
use super::super::{Options, admin};
use super::lanes::{PART_PLACES, Part, Replays, Told, divided};
use crate::replay::Replayer;
use crate::temporary::Folder;

/// Records, what opens them, and what runs them.
pub struct Archive {
    store: SqliteReaders,
    vault: Vault,
    replayer: Replayer,
    /// Where the database stands if it had to be copied; goes last.
    _copied: Option<Folder>,
}

/// A policy that is bound to a kind of a merchant's.
#[derive(Clone, Debug)]
pub struct Active {
    /// The merchant.
    pub merchant: MerchantId,
    /// The kind.
    pub kind: Kind,
    /// Its active version.
    pub version: VersionRow,
}

impl Archive {
    /// Opens a data directory for reading. Of a database of an older release a copy in the folder for temporary files is brought up to date and
    /// read: the release that wrote it may go on serving it, and is the one to go back to.
    ///
    /// # Errors
    /// It is no data directory, a newer release's, or the master key is not the one that wrapped its keys.
    pub fn open(data: &Path, options: Options) -> Result<Self> {
        let (store, copied) = match SqliteReaders::beside(data) {
            Err(StoreError::Older { .. }) => {
                let cannot = || {
                    let at = std::env::temp_dir();
                    format!(
                        "cannot copy the database of an older release into `{}`: name a folder with room for it with TMPDIR",
                        at.display()
                    )
                };
                let folder = Folder::new().with_context(cannot)?;
                (SqliteReaders::of_copy(data, folder.path()).with_context(cannot)?, Some(folder))
            }
            other => (other?, None),
        };
        let vault = Vault::new(admin::master_key_beside(&store, data, &options.master_key)?, store.read(|reads| reads.with_erased())?);
        let code = data.join("code.key");
        // It is never drawn here: nothing compiled would load with a new one.
        code.try_exists().ok().filter(|there| *there).with_context(|| format!("there is no `{}`", code.display()))?;
        let limits = options.limits.or(admin::kept_limits(&store)?).unwrap_or_default();
        let sandbox = Sandbox::new()?.with_cache(data.join("code"), CodeKey(admin::code_key(&code)?))?;
        let sandbox = sandbox.with_compiler(options.compiler, limits.load);
        Ok(Self { store, vault, replayer: Replayer::new(Arc::new(sandbox)), _copied: copied })
    }

    /// The replays of this directory.
    pub const fn replays(&self) -> Replays<'_> {
        Replays { store: &self.store, vault: &self.vault, replayer: &self.replayer }
    }

    /// The engine that they run on.
    pub const fn engine(&self) -> &Engine {
        self.replayer.engine()
    }

    /// Every merchant.
    ///
    /// # Errors
    /// The store fails.
    pub fn merchants(&self) -> Result<Vec<MerchantId>, StoreError> {
        let rows = self.store.read(|reads| reads.merchants())?;
        Ok(rows.into_iter().map(|row| row.id).filter(|id| id.as_str() != OPERATOR).collect())
    }

    /// Refuses to take the merchants that are named for all of them where the database has logs of others.
    ///
    /// # Errors
    /// It has; the store fails.
    pub fn all_named(&self) -> Result<()> {
        let of = match self.store.read(|reads| reads.nameless_logs())? {
            0 => return Ok(()),
            1 => "a merchant".to_owned(),
            merchants => format!("{merchants} merchants"),
        };
        bail!(
            "the database is damaged: it has records of {of} that it does not name, and what was decided there cannot be found; \
             `ombud audit check` names what else is lost, `--merchant` takes one that is named"
        )
    }

    /// Every active policy of every merchant.
    ///
    /// # Errors
    /// The store fails; a merchant's document cannot be read; not every merchant is named.
    pub fn active(&self) -> Result<Vec<Active>> {
        self.all_named()?;
        let mut active = Vec::new();
        for row in self.store.read(|reads| reads.merchants())? {
            if row.id.as_str() == OPERATOR {
                continue;
            }
            let unreadable = || format!("the configuration of merchant `{}`", row.id);
            let Some(rollouts) = self.store.read(|reads| rollout::kept(reads, &row.id))? else {
                // A directory that no release with rollouts has opened yet.
                let document: MerchantDocument = serde_json::from_str(&row.config).with_context(unreadable)?;
                let of = |(kind, binding): (Kind, Binding)| Active { merchant: row.id.clone(), kind, version: binding.row(kind, 0) };
                active.extend(document.policies.into_iter().map(of));
                continue;
            };
            for (kind, plan) in rollouts.plans {
                let Some(placed) = plan.active else { continue };
                let found = self.store.read(|reads| reads.version(&row.id, &placed.version.policy, &placed.version.version))?;
                let version = found.with_context(|| format!("merchant `{}`: the version `{}` is not stored", row.id, placed.version))?;
                active.push(Active { merchant: row.id.clone(), kind, version });
            }
        }
        Ok(active)
    }

    /// Why an active policy's component does not load under this engine; none if it does.
    ///
    /// # Errors
    /// The store fails.
    pub fn refusal(&self, active: &Active) -> Result<Option<String>> {
        let plugin = self.store.read(|reads| self.replayer.plugin(&active.version.component, reads))?;
        Ok(match plugin {
            Some(plugin) if plugin.inspection().decides.iter().any(|own| own == active.kind.as_str()) => None,
            Some(_) => Some(format!("the component does not decide {}", active.kind)),
            None => Some("the component is missing or damaged, or does not load".to_owned()),
        })
    }

    /// The parts of the log that hold the latest decisions of an active policy, of whatever version: `last` of them, or all
    /// there are.
    ///
    /// # Errors
    /// The store fails.
    pub fn latest(&self, active: &Active, last: u64) -> Result<Vec<Part>, StoreError> {
        let filter = Filter {
            entry: Some(EntryKind::Decision),
            kind: Some(active.kind.as_str().to_owned()),
            policy: Some(active.version.policy.clone()),
            ..Filter::default()
        };
        let (mut left, mut cursor, mut begin) = (last, None, None);
        let size = self.store.read(|reads| reads.extent(&active.merchant))?.records();
        while left > 0 {
            let entries = u32::try_from(left).unwrap_or(u32::MAX).min(PAGE_ENTRIES_MAX);
            let page = self.store.read(|reads| reads.list(&active.merchant, &filter, cursor.as_deref(), entries))?;
            left -= page.entries.len() as u64;
            begin = page.entries.last().map(|oldest| oldest.seq).or(begin);
            match page.next {
                Some(next) => cursor = Some(next),
                None => break,
            }
        }
        let wanted = |seqs| Wanted { seqs, kinds: vec![active.kind], policy: filter.policy.clone(), ..Wanted::default() };
        let part = |seqs| Part { merchant: active.merchant.clone(), wanted: wanted(seqs), told: Told::Nothing };
        let seqs = begin.map_or(size, |begin| begin.min(size))..size;
        let parts = self.store.read(|reads| divided(reads, &active.merchant, seqs, PART_PLACES))?;
        Ok(parts.into_iter().map(part).collect())
    }
}
