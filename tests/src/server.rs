//! A real service behind its real HTTP interface on a loopback port, with merchants and keys of every role.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread::JoinHandle;

use ombud::http::{Drained, HttpLimits};
use ombud::service::{Options, Role, Service};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::client::{Call, agent};
use crate::guests::root;
use crate::ledger::Entry;
use crate::process::ombud;

/// A running server. Dropped, it stops.
pub struct Server {
    /// The service behind it.
    pub service: Arc<Service>,
    /// Where it listens.
    pub address: SocketAddr,
    /// The operator's key.
    pub operator: String,
    agent: ureq::Agent,
    stop: Option<tokio::sync::oneshot::Sender<()>>,
    thread: Option<JoinHandle<Drained>>,
    /// The data directory.
    pub data: PathBuf,
    /// Removed with the server, if the server owns it.
    _own: Option<TempDir>,
}

/// A merchant of a server with a key of each role.
pub struct Merchant<'a> {
    /// The server.
    pub server: &'a Server,
    /// Its id.
    pub id: String,
    keys: HashMap<Role, String>,
}

/// The server that tests share; each creates merchants of its own. Tests that restart or stop theirs start their own.
pub fn shared() -> &'static Server {
    static SHARED: OnceLock<Server> = OnceLock::new();
    SHARED.get_or_init(|| Server::start(tempfile::tempdir().expect("a folder"), &root().join("policies")))
}

impl Server {
    /// Starts on a data directory of its own with a folder of policies.
    pub fn start(data: TempDir, policies: &Path) -> Self {
        let mut server = Self::on(data.path(), policies);
        server._own = Some(data);
        server
    }

    /// Starts on a data directory that outlives it.
    pub fn on(data: &Path, policies: &Path) -> Self {
        Self::with(data, Options { policies: Some(policies.to_path_buf()), ..Options::default() })
    }

    /// The same with whatever a service is opened with.
    pub fn with(data: &Path, options: Options) -> Self {
        log_errors();
        // The tests' events have dates, and hold on any machine's clock.
        ombud::demo::set_clock();
        // Uploads are checked by the built binary.
        let options = Options { program: options.program.or_else(|| Some(ombud().to_path_buf())), ..options };
        let service = Service::open(data, options).expect("the service opens");
        assert_eq!(service.readiness().reasons, [""; 0]);
        let owner = Service::owner().expect("the owner");
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let operator = service.create_key_now(&owner, None, Role::Operator, &format!("operator-{count}")).expect("a key").secret;
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        let (told, address) = std::sync::mpsc::channel();
        let served = service.clone();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(4).enable_all().build().expect("a runtime");
            runtime.block_on(async move {
                let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
                told.send(listener.local_addr().expect("an address")).expect("the starter waits");
                let stopped = async move { _ = stopped.await };
                ombud::http::serve(listener, served, HttpLimits::default(), stopped).await
            })
        });
        let address = address.recv().expect("the server listens");
        Self { service, address, operator, agent: agent(), stop: Some(stop), thread: Some(thread), data: data.to_path_buf(), _own: None }
    }

    /// Stops, and waits until all requests are answered.
    pub fn stop(mut self) -> Drained {
        self.stop_now().expect("it runs")
    }

    fn stop_now(&mut self) -> Option<Drained> {
        drop(self.stop.take());
        self.agent = agent();
        self.thread.take().map(|thread| thread.join().expect("the server ends"))
    }

    /// A request without a key.
    pub fn call(&self, method: &str, path: &str) -> Call {
        Call::new(&self.agent, method, format!("http://{}{path}", self.address))
    }

    /// A new merchant with a key of each role; `config` adds to its configuration.
    pub fn merchant(&self, config: Value) -> Merchant<'_> {
        let id = format!("m-{}", COUNT.fetch_add(1, Ordering::Relaxed));
        let mut whole = json!({"id": id, "shop_id": "10437917", "platform": "douyin"});
        for (name, value) in config.as_object().expect("an object") {
            whole[name] = value.clone();
        }
        self.call("PUT", &format!("/v1/merchants/{id}")).key(&self.operator).json(&whole).send().ok();
        self.known(&id)
    }

    /// A merchant that was made in an earlier life of the directory, with new keys of each role.
    pub fn known(&self, id: &str) -> Merchant<'_> {
        let mut merchant = Merchant { server: self, id: id.to_owned(), keys: HashMap::new() };
        for role in Role::ALL.into_iter().filter(|role| *role != Role::Operator) {
            let key = merchant.new_key(role, &format!("the-{role}"));
            merchant.keys.insert(role, key);
        }
        merchant
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        _ = self.stop_now();
    }
}

static COUNT: AtomicU64 = AtomicU64::new(1);

impl Merchant<'_> {
    /// The key of a role.
    pub fn key(&self, role: Role) -> &str {
        &self.keys[&role]
    }

    /// One more key, of another person.
    pub fn new_key(&self, role: Role, person: &str) -> String {
        let created = self.server.call("POST", &format!("/v1/merchants/{}/keys", self.id)).key(&self.server.operator);
        let created = created.json(&json!({"role": role, "label": person})).send().with(201);
        created["secret"].as_str().expect("a secret").to_owned()
    }

    /// A request below the merchant's path with the key of a role.
    pub fn call(&self, role: Role, method: &str, path: &str) -> Call {
        self.server.call(method, &format!("/v1/merchants/{}{path}", self.id)).key(self.key(role))
    }

    /// Posts an event as the agent.
    #[track_caller]
    pub fn post(&self, event: &Value) -> Value {
        self.post_as(Role::Agent, event)
    }

    /// Posts an event with the key of a role.
    #[track_caller]
    pub fn post_as(&self, role: Role, event: &Value) -> Value {
        self.call(role, "POST", "/events").event(event).send().ok()
    }

    /// Posts an event that gives one decision.
    #[track_caller]
    pub fn decide(&self, event: &Value) -> Value {
        only(&self.post(event))
    }

    /// How many records of events and of acts on decisions the merchant's ledger has, read from the database itself; not what
    /// was administered.
    pub fn records(&self) -> usize {
        let counts = |entry: &&Entry| entry.entry != "act" || entry.event_type == "decision.override";
        crate::ledger::read(&self.server.data, &self.id).iter().filter(counts).count()
    }

    /// Every decision on record, newest first, through all pages.
    pub fn decisions(&self, query: &str) -> Vec<Value> {
        let mut decisions = Vec::new();
        let mut cursor = String::new();
        loop {
            let page = self.call(Role::Auditor, "GET", &format!("/decisions?{query}{cursor}")).send().ok();
            decisions.extend(page["decisions"].as_array().expect("decisions").iter().cloned());
            match page["cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return decisions,
            }
        }
    }
}

/// What a server could not do is told beside the failed test; once for all servers of the process.
fn log_errors() {
    static ONCE: std::sync::Once = std::sync::Once::new();
    ONCE.call_once(|| {
        // The server's own hook hides what a panic says; a failed test says everything.
        let hook = std::panic::take_hook();
        _ = ombud::telemetry::init(ombud::telemetry::LogFormat::Pretty, "error");
        std::panic::set_hook(hook);
    });
}

/// Waits until something comes true, for a minute at most.
#[track_caller]
pub fn wait_for(mut true_now: impl FnMut() -> bool) {
    for _ in 0..1_200 {
        if true_now() {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    panic!("it did not come true within a minute");
}

/// The one decision of an answer.
#[track_caller]
pub fn only(answer: &Value) -> Value {
    let decisions = answer["decisions"].as_array().expect("decisions");
    assert_eq!(decisions.len(), 1, "{answer}");
    decisions[0].clone()
}

/// The rules of a decision's reasons, in their order.
pub fn rules(decision: &Value) -> Vec<&str> {
    decision["reasons"].as_array().expect("reasons").iter().map(|reason| reason["rule"].as_str().expect("a rule")).collect()
}

/// The repository's policies with more packages beside them, in a folder of their own.
pub fn policies_with(more: &[&Path]) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let built = root().join("policies");
    let packages = std::fs::read_dir(&built).expect("policies").flatten().map(|entry| entry.path());
    for package in packages.chain(more.iter().map(|path| path.to_path_buf())) {
        let own = folder.path().join(package.file_name().expect("a name"));
        std::os::unix::fs::symlink(&package, own).expect("a link");
    }
    let path = folder.path().to_path_buf();
    (folder, path)
}
