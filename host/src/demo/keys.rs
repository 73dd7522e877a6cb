//! The demonstration's API keys and the file that holds them.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use anyhow::{Context as _, Result, anyhow};
use serde::{Deserialize, Serialize};

use super::{MERCHANTS, ROLES};
use crate::cli::explain;
use crate::service::{Role, Service};

/// The file in the data directory.
pub const KEYS_FILE: &str = "demo-keys.json";

/// One key of each role for each merchant, and the operator's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DemoKeys {
    /// The operator's key.
    pub operator: String,
    /// Keys by merchant and role.
    pub merchants: BTreeMap<String, BTreeMap<Role, String>>,
}

impl DemoKeys {
    /// The keys of the data directory: those of its file where they still open the service, else new ones.
    pub fn take(service: &Service, data: &Path) -> Result<Self> {
        let path = data.join(KEYS_FILE);
        if let Ok(text) = std::fs::read_to_string(&path)
            && let Ok(keys) = serde_json::from_str::<Self>(&text)
            && keys.open(service)
        {
            return Ok(keys);
        }
        let keys = Self::create(service)?;
        keys.write(&path).with_context(|| format!("cannot write `{}`", path.display()))?;
        Ok(keys)
    }

    /// The key of a role.
    pub fn of(&self, merchant: &str, role: Role) -> Option<&str> {
        if role == Role::Operator {
            return Some(&self.operator);
        }
        self.merchants.get(merchant)?.get(&role).map(String::as_str)
    }

    /// Whether the service knows every one of them as what the file says.
    fn open(&self, service: &Service) -> bool {
        let opens = |secret: Option<&str>, role: Role, merchant: Option<&str>| {
            secret
                .and_then(|secret| service.authenticate(secret).ok())
                .is_some_and(|who| who.role == role && who.merchant.as_ref().map(ombud_core::ids::MerchantId::as_str) == merchant)
        };
        opens(Some(&self.operator), Role::Operator, None)
            && MERCHANTS.iter().all(|merchant| ROLES.iter().all(|role| opens(self.of(merchant.id, *role), *role, Some(merchant.id))))
    }

    fn create(service: &Service) -> Result<Self> {
        let owner = Service::owner()?;
        let create = |merchant: Option<&str>, role: Role| {
            // The label is who acts, in the records: three roles are three people.
            service
                .create_key_now(&owner, merchant, role, &format!("demo-{role}"))
                .map(|created| created.secret)
                .map_err(|error| anyhow!("a key of {role} cannot be created: {}", explain(&error)))
        };
        let operator = create(None, Role::Operator)?;
        let mut merchants = BTreeMap::new();
        for merchant in MERCHANTS {
            let keys: BTreeMap<Role, String> =
                ROLES.into_iter().map(|role| Ok((role, create(Some(merchant.id), role)?))).collect::<Result<_>>()?;
            merchants.insert(merchant.id.to_owned(), keys);
        }
        Ok(Self { operator, merchants })
    }

    /// Written beside and moved into place: whoever waits for the file never reads half of it. Only its owner may read it.
    fn write(&self, path: &Path) -> Result<()> {
        let beside = path.with_extension("json.new");
        let mut file = std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&beside)?;
        file.write_all(serde_json::to_string_pretty(self)?.as_bytes())?;
        file.write_all(b"\n")?;
        file.sync_all()?;
        Ok(std::fs::rename(&beside, path)?)
    }
}
