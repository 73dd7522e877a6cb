//! The API keys of a merchant or of the operator, for listing; secrets are not kept.

use ombud_core::ids::MerchantId;
use ombud_store::Store as _;

use super::Service;
use super::actor::{Principal, Right, Role};
use super::error::ServiceError;
use super::listing::rfc3339;
use super::wire::KeyView;

impl Service {
    /// The keys of a merchant, or the operator's where none is named; revoked ones included.
    pub fn keys(&self, who: &Principal, merchant: Option<&str>) -> Result<Vec<KeyView>, ServiceError> {
        super::allowed(who, Right::Configure, "list keys")?;
        if who.role != Role::Operator && who.merchant.as_ref().map(MerchantId::as_str) != merchant {
            return Err(ServiceError::NotFound("merchant"));
        }
        if let Some(merchant) = merchant {
            self.tenant(who, merchant, Right::Configure, "list keys")?;
        }
        let id = merchant.map(MerchantId::new).transpose().map_err(|_| ServiceError::NotFound("merchant"))?;
        let rows = self.store.read(|reads| reads.api_keys(id.as_ref()))?;
        let view = |row: ombud_store::ApiKeyRow| KeyView {
            id: row.key_id,
            role: row.role,
            merchant: row.merchant.map(|merchant| merchant.to_string()),
            label: row.actor,
            created_at: rfc3339(row.created_at_ms),
            revoked_at: row.revoked_at_ms.map(rfc3339),
        };
        Ok(rows.into_iter().map(view).collect())
    }
}
