//! What the ledger says of backups. The copying is done beside the service ([`crate::backup`]).

use std::sync::Arc;

use ombud_ledger::Digest;

use super::actor::{Principal, Right};
use super::acts::{NewAct, What, log_of};
use super::error::ServiceError;
use super::listing::rfc3339;
use super::wire::BackupBegun;
use super::{Service, allowed, blocking};
use crate::clock::now_ms;

impl Service {
    /// Records that the data directory is about to be copied, and signs what every log has grown by: the copy has all of it.
    pub async fn begin_backup(self: &Arc<Self>, who: &Principal, master_key: bool) -> Result<BackupBegun, ServiceError> {
        allowed(who, Right::Operate, "back the data directory up")?;
        let at_ms = now_ms();
        let act = NewAct { at_ms, ..NewAct::new(who, What::BackupMade { master_key }) };
        self.record(&log_of(None)?, vec![act]).await?;
        let service = Arc::clone(self);
        // A directory that was never served has no keys yet, and its operator's name is not fixed by a copy.
        let sign = move || if service.has_ledger_keys()? { Ok(service.sign_now()?) } else { Ok(()) };
        blocking(sign).await?;
        Ok(BackupBegun { at: rfc3339(at_ms) })
    }

    /// Records that the data directory is a restored backup, made at this time, with this database.
    pub fn restored(&self, who: &Principal, made_at: &str, database: Option<Digest>) -> Result<(), ServiceError> {
        let (vault, log) = (self.vault.clone(), log_of(None)?);
        let act = NewAct::new(who, What::BackupRestored { made_at: made_at.to_owned() }).change(None, database);
        self.writer.wait(move |group| act.append(group, &vault, &log).map(|_| ()))?;
        Ok(())
    }
}
