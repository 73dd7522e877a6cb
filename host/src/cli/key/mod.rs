//! `ombud key`: API keys of a data directory, the keys of its ledger, and keys that sign policies.

mod signing;

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, anyhow, bail};
use axum::http::StatusCode;
use clap::{Args, Subcommand, builder::PossibleValuesParser, builder::TypedValueParser as _};

use super::api::{self, Api};
use super::progress::Progress;
use super::{EXIT_OK, screen};
use crate::service::ledger::keys::{KEY_FILE, VERIFIER_FILE};
use crate::service::ledger::published::Published;
use crate::service::wire::{CreatedKey, KeyView, LedgerKeysView};
use crate::service::{MasterKeyView, Role, RotationState};
use crate::signature::SecretKey;
use signing::Signing;

/// Where the master key is.
const MASTER_KEY: &str = "/v1/master-key";
/// How often it is looked how far a rotation is.
const LOOK_EVERY: std::time::Duration = std::time::Duration::from_millis(50);
/// Where the keys of the ledger's checkpoints are.
const LEDGER_KEYS: &str = "/v1/ledger/keys";

/// Arguments of `ombud key`.
#[derive(Args)]
#[command(after_help = "While a server holds the data directory, it is asked through its local socket.\n\n\
Exit codes: 0 done, 2 the command could not run.")]
pub(super) struct Key {
    #[command(subcommand)]
    act: Act,
}

#[derive(Subcommand)]
enum Act {
    /// Create a key; its secret is shown once.
    Create {
        #[command(flatten)]
        of: Of,
        /// What its bearer may do.
        #[arg(long, value_parser = roles())]
        role: Role,
        /// Who its bearer is, in records: a name for one person or system, never shared by two.
        #[arg(long)]
        label: String,
    },
    /// List keys, without their secrets.
    List {
        #[command(flatten)]
        of: Of,
    },
    /// Show the keys of the ledger's checkpoints; an auditor needs one of them.
    Ledger {
        #[command(flatten)]
        on: On,
    },
    /// Draw a new signing key for checkpoints. The one before goes on signing beside it, so that whoever has either can check.
    RotateLedger {
        #[command(flatten)]
        on: On,
    },
    /// End a rotation: the older signing key is destroyed. Its checkpoints stay good.
    RetireLedger {
        #[command(flatten)]
        on: On,
    },
    /// Draw a key pair that signs policies: FILE holds the secret key, FILE.pub the public one, as minisign writes them.
    New {
        /// The file of the secret key, which must not be there yet.
        #[arg(value_name = "FILE")]
        file: PathBuf,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Register, list and revoke the keys that sign a merchant's policies.
    #[command(subcommand)]
    Signing(Signing),
    /// Revoke a key.
    Revoke {
        #[command(flatten)]
        of: Of,
        /// The key's id, as `ombud key list` shows it.
        id: String,
    },
    /// Wrap every data key with another master key; no record is touched. A server that holds the directory goes on serving.
    RotateMaster {
        /// The data directory.
        #[arg(long, value_name = "DIR")]
        data: PathBuf,
        /// The file of the new master key, drawn if it is not there; without it the data directory gets a new `master.key`.
        #[arg(long, value_name = "FILE")]
        new_master_key: Option<PathBuf>,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
}

/// Which data directory.
#[derive(Args)]
struct On {
    /// The data directory.
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// Whose keys.
#[derive(Args)]
struct Of {
    /// The data directory.
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// The merchant; without it, the operator's keys.
    #[arg(long, value_name = "MERCHANT")]
    merchant: Option<String>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

fn roles() -> impl clap::builder::TypedValueParser<Value = Role> {
    PossibleValuesParser::new(Role::ALL.map(Role::as_str)).try_map(|name| Role::parse(&name).ok_or("no such role"))
}

impl Key {
    pub(super) fn run(self) -> Result<u8> {
        match self.act {
            Act::Create { of, role, label } => create(&of, role, &label)?,
            Act::List { of } => list(&of)?,
            Act::Ledger { on } => {
                must_be_drawn(&on.data)?;
                ledger(&on, |api| api.get(LEDGER_KEYS))?;
            }
            Act::RotateLedger { on } => ledger(&on, |api| api.post(LEDGER_KEYS, b"{}".to_vec()))?,
            Act::RetireLedger { on } => ledger(&on, |api| api.delete_for(&format!("{LEDGER_KEYS}/old")))?,
            Act::New { file, json } => new(&file, json)?,
            Act::Signing(signing) => signing.run()?,
            Act::Revoke { of, id } => revoke(&of, &id)?,
            Act::RotateMaster { data, new_master_key, json } => rotate(&data, new_master_key.as_deref(), json)?,
        }
        Ok(EXIT_OK)
    }
}

impl Of {
    /// Where the keys are.
    fn path(&self) -> String {
        self.merchant.as_ref().map_or_else(|| "/v1/keys".to_owned(), |merchant| format!("/v1/merchants/{}/keys", api::plain(merchant)))
    }

    /// Names the merchant, if it is the one that is not there.
    fn explained(&self, api: &Api, error: anyhow::Error) -> anyhow::Error {
        match &self.merchant {
            Some(merchant) => api.explained(merchant, error),
            None => error,
        }
    }
}

fn create(of: &Of, role: Role, label: &str) -> Result<()> {
    match (role, &of.merchant) {
        (Role::Operator, Some(_)) => bail!("an operator's key belongs to no merchant: leave --merchant out"),
        (Role::Operator, None) | (_, Some(_)) => {}
        (role, None) => bail!("a key of {role} belongs to a merchant: name it with --merchant"),
    }
    let api = Api::on(&of.data, None)?;
    let asked = serde_json::to_vec(&serde_json::json!({"role": role, "label": label}))?;
    let created: CreatedKey = api.post(&of.path(), asked).map_err(|error| of.explained(&api, error))?;
    if of.json {
        println!("{}", serde_json::to_string_pretty(&created)?);
    } else {
        println!("{}", created.secret);
        // Apart from the secret, so that the output can be piped.
        eprintln!("key {} of {role}{}, for `{label}`: this is its secret, it is not shown again", created.id, of_merchant(&of.merchant));
    }
    Ok(())
}

fn list(of: &Of) -> Result<()> {
    let api = Api::on_existing(&of.data, None)?;
    let keys: Vec<KeyView> = api.get(&of.path()).map_err(|error| of.explained(&api, error))?;
    if of.json {
        println!("{}", serde_json::to_string_pretty(&keys)?);
        return Ok(());
    }
    if keys.is_empty() {
        println!("no keys{}", of_merchant(&of.merchant));
        return Ok(());
    }
    let mut table = screen::table(&["id", "role", "label", "created", "revoked"]);
    for key in keys {
        table.add_row([key.id, key.role, key.label, key.created_at, key.revoked_at.unwrap_or_default()]);
    }
    println!("{table}");
    Ok(())
}

/// Draws a key pair. The secret key's file is its owner's alone.
fn new(file: &Path, json: bool) -> Result<()> {
    use std::io::Write as _;
    use std::os::unix::fs::OpenOptionsExt as _;
    let key = SecretKey::draw().map_err(|error| anyhow!("no randomness: {error}"))?;
    let public = key.public();
    let mut public_file = file.as_os_str().to_owned();
    public_file.push(".pub");
    let public_file = PathBuf::from(public_file);
    let write = |path: &Path, mode: u32, text: &str| {
        let written = std::fs::OpenOptions::new().write(true).create_new(true).mode(mode).open(path);
        written.and_then(|mut file| file.write_all(text.as_bytes())).with_context(|| format!("cannot write `{}`", path.display()))
    };
    write(file, 0o600, &key.file())?;
    write(&public_file, 0o644, &public.file())?;
    if json {
        println!("{}", serde_json::json!({"id": public.id(), "public_key": public.text(), "file": file, "public_file": public_file}));
        return Ok(());
    }
    println!("{}", public.text());
    eprintln!(
        "key {}: `{}` signs (`ombud push --key`), it has no password and is nobody else's business; `{}` is for the merchant's administrator to \
         register (`ombud key signing add`)",
        public.id(),
        file.display(),
        public_file.display()
    );
    Ok(())
}

fn revoke(of: &Of, id: &str) -> Result<()> {
    let api = Api::on_existing(&of.data, None)?;
    api.delete(&format!("{}/{}", of.path(), api::plain(id))).map_err(|error| match of.explained(&api, error) {
        error if api::refused_with(&error) == Some(StatusCode::NOT_FOUND) => {
            let (whose, remedy) = match &of.merchant {
                Some(merchant) => (format!("of `{merchant}`"), format!("`ombud key list --merchant {merchant}` shows them")),
                None => ("of the operator".to_owned(), "a merchant's key is revoked with `--merchant M`".to_owned()),
            };
            anyhow!("no key `{id}` {whose} that is in force: {remedy}")
        }
        error => error,
    })?;
    if of.json {
        println!("{}", serde_json::json!({"revoked": id}));
    } else {
        println!("key {id} is revoked");
    }
    Ok(())
}

/// Refuses a directory without keys of the ledger: what only shows draws none.
fn must_be_drawn(data: &Path) -> Result<()> {
    super::data::must_exist(data)?;
    let nothing = [KEY_FILE, VERIFIER_FILE].iter().all(|name| !data.join(name).exists());
    if nothing && Published::of(data).merchants()?.is_empty() {
        bail!(
            "`{}` has no keys of the ledger yet: the first start of its server draws them, under the name that `serve --operator` gives",
            data.display()
        );
    }
    Ok(())
}

/// Asks for the ledger's keys and shows them.
fn ledger(on: &On, ask: impl FnOnce(&Api) -> Result<LedgerKeysView>) -> Result<()> {
    let keys = ask(&Api::on_existing(&on.data, None)?)?;
    if on.json {
        println!("{}", serde_json::to_string_pretty(&keys)?);
        return Ok(());
    }
    screen::field("operator", &keys.operator);
    for key in &keys.verifier_keys {
        screen::field(if keys.signing.contains(key) { "signs" } else { "signed" }, key);
    }
    Ok(())
}

fn rotate(directory: &Path, new: Option<&Path>, json: bool) -> Result<()> {
    let api = Api::on_existing(directory, None)?;
    let _waiting = Progress::waiting("wrapping the keys");
    let file = new.map(std::path::absolute).transpose()?;
    let mut view: MasterKeyView = api.post(MASTER_KEY, serde_json::to_vec(&serde_json::json!({"new_key_file": file}))?)?;
    let rotated = loop {
        match view.rotation {
            Some(rotation) if rotation.state == RotationState::Running => {
                std::thread::sleep(LOOK_EVERY);
                view = api.get(MASTER_KEY)?;
            }
            Some(rotation) => break rotation,
            None => bail!("the server knows of no rotation: it was started anew; it goes on with it by itself"),
        }
    };
    if let Some(problem) = &rotated.problem {
        bail!("the rotation stopped, and the next start goes on with it: {problem}");
    }
    if json {
        println!("{}", serde_json::to_string_pretty(&rotated)?);
        return Ok(());
    }
    println!("{} wrapped with the master key {} instead of {}", screen::count(rotated.keys, "key"), rotated.to, rotated.from);
    if rotated.damaged > 0 {
        println!("{} left as they are: `ombud audit check` names them", screen::count(rotated.damaged, "damaged key"));
    }
    match new {
        Some(file) => println!("from now on: --master-key {}; keep a copy elsewhere", file.display()),
        None => println!("it is `{}`: keep a copy elsewhere", directory.join("master.key").display()),
    }
    Ok(())
}

fn of_merchant(merchant: &Option<String>) -> String {
    merchant.as_ref().map(|merchant| format!(" of `{merchant}`")).unwrap_or_default()
}
