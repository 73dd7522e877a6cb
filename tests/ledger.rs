//! The ledger through the built binary: receipts within seconds, tiles that lead to the signed root, witnesses, rotation, and
//! databases that were set back.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use ombud_core::ids::MerchantId;
use ombud_ledger::log::receipt::Receipt;
use ombud_ledger::log::tile::{TILE_WIDTH, decode_bundle, decode_tile};
use ombud_ledger::log::{Checkpoint, Frontier, Note, Tile, TileLevel, VerifierKeys, cosignature};
use ombud_ledger::{Digest, leaf_hash};
use ombud_tests::client::agent;
use ombud_tests::events::event;
use ombud_tests::process::{Process, command, demo_keys, ombud};
use ombud_tests::server::wait_for;
use ombud_tests::witness::Witness;
use serde_json::Value;

const MERCHANT: &str = "m-cosmetics";

/// A server with its keys.
struct Served {
    process: Process,
    agent: ureq::Agent,
    keys: Value,
}

impl Served {
    fn start(data: &Path, more: &[&str]) -> Self {
        let mut serve = command(data);
        serve.args(["--operator", "ombud.test"]).args(more);
        let process = Process::start(serve);
        Self { process, agent: agent(), keys: demo_keys(data) }
    }

    fn get(&self, path: &str) -> ombud_tests::client::Reply {
        let key = self.keys["merchants"][MERCHANT]["auditor"].as_str().unwrap();
        self.process.call(&self.agent, "GET", &format!("/v1/merchants/{MERCHANT}{path}")).key(key).send()
    }

    fn decide(&self, own: &str) -> Value {
        let key = self.keys["merchants"][MERCHANT]["agent"].as_str().unwrap();
        let call = self.process.call(&self.agent, "POST", &format!("/v1/merchants/{MERCHANT}/events"));
        call.key(key).event(&event("delay.detected", own)).send().ok()["decisions"][0].clone()
    }

    /// Stops it the way an operator does.
    fn stop(self) {
        self.process.terminate();
        assert!(self.process.ended(Duration::from_secs(30)).success());
    }
}

/// The keys of the merchant's log, as an auditor derives them from the operator's file.
fn keys(data: &Path) -> VerifierKeys {
    let text = std::fs::read_to_string(data.join("ledger.vkey")).unwrap();
    text.parse::<VerifierKeys>().unwrap().of_merchant(&MerchantId::new(MERCHANT).unwrap())
}

fn operator(data: &Path) -> VerifierKeys {
    std::fs::read_to_string(data.join("ledger.vkey")).unwrap().parse().unwrap()
}

/// Runs a command and returns its exit code with what it said on standard error.
fn run(arguments: &[&str], data: &Path) -> (i32, String) {
    let output = Command::new(ombud()).args(arguments).arg("--data").arg(data).stdin(Stdio::null()).output().unwrap();
    (output.status.code().unwrap(), format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr)))
}

#[test]
fn a_decision_has_its_receipt_within_two_seconds() {
    let data = tempfile::tempdir().unwrap();
    let served = Served::start(data.path(), &[]);
    for own in ["1", "2", "3"] {
        let decision = served.decide(own);
        let decided = Instant::now();
        let path = format!("/decisions/{}/receipt", decision["id"].as_str().unwrap());
        let mut reply = served.get(&path);
        while reply.status != 200 {
            assert_eq!(reply.problem(409)["type"], "urn:ombud:problem:not-yet");
            assert!(decided.elapsed() < Duration::from_secs(2), "no receipt after {:?}", decided.elapsed());
            std::thread::sleep(Duration::from_millis(50));
            reply = served.get(&path);
        }
        let receipt = Receipt::parse(&reply.text()).unwrap();
        let shown = receipt.verify(None, keys(data.path()).as_slice(), &[]).unwrap();
        assert_eq!(shown.checkpoint.origin.as_str(), "ombud.test/m-cosmetics");
        assert_eq!(leaf_hash(&shown.header).to_string(), decision["leaf"].as_str().unwrap());
    }
}

/// Fetches every tile and bundle of the checkpoint's tree, as a monitor does, and computes the root from nothing else.
#[test]
fn tiles_and_entries_lead_to_the_signed_root() {
    let data = tempfile::tempdir().unwrap();
    let served = Served::start(data.path(), &[]);
    let key = served.keys["merchants"][MERCHANT]["agent"].as_str().unwrap().to_owned();
    // More than a tile, posted as batches of events that are only recorded.
    for batch in 0..6 {
        let events: Vec<Value> = (0..50).map(|number| event("ticket.created", &format!("{batch}-{number}"))).collect();
        let call = served.process.call(&served.agent, "POST", &format!("/v1/merchants/{MERCHANT}/events:batch")).key(&key);
        let reply = call.header("content-type", "application/cloudevents-batch+json").body(Value::from(events).to_string()).send();
        assert_eq!(reply.status, 200, "{}", reply.text());
    }
    let open = || {
        let reply = served.get("/ledger/checkpoint");
        (reply.status == 200).then(|| Checkpoint::open(&reply.text(), keys(data.path()).as_slice()).unwrap())
    };
    wait_for(|| open().is_some_and(|checkpoint| checkpoint.size >= 300));
    let checkpoint = open().unwrap();
    let all = |level| (0..).map_while(move |index| Tile::in_tree(level, index, checkpoint.size));
    let fetch = |tile: Tile| {
        let reply = served.get(&format!("/ledger/{tile}"));
        assert_eq!((reply.status, reply.headers["content-type"].to_str().unwrap()), (200, "application/octet-stream"), "{tile}");
        assert_eq!(reply.headers["cache-control"], "private, max-age=31536000, immutable");
        reply.bytes
    };
    let leaves: Vec<Digest> = all(TileLevel::Entries)
        .flat_map(|tile| decode_bundle(&fetch(tile)).unwrap().into_iter().map(leaf_hash).collect::<Vec<_>>())
        .collect();
    assert_eq!(Frontier::of(leaves.iter().copied()).root(), checkpoint.root);
    let level = |level| all(TileLevel::Hashes(level)).flat_map(|tile| decode_tile(&fetch(tile)).unwrap()).collect::<Vec<_>>();
    assert_eq!(level(0), leaves);
    let full = leaves.chunks_exact(usize::from(TILE_WIDTH)).map(|tile| Frontier::of(tile.iter().copied()).root()).collect::<Vec<_>>();
    assert_eq!(level(1), full);
    assert!(!full.is_empty() && leaves.len() as u64 == checkpoint.size);
}

#[test]
fn witnesses_cosign_and_their_absence_hinders_nothing() {
    let data = tempfile::tempdir().unwrap();
    let witness = Witness::start();
    // One that is not there, one that knows nobody yet.
    let absent = format!("http://127.0.0.1:9/w={}", witness.key());
    let served = Served::start(data.path(), &["--witness", &absent, "--witness", &witness.argument()]);
    let decision = served.decide("1");
    wait_for(|| witness.answers.lock().unwrap().contains(&404));
    witness.trust(&operator(data.path()));
    let origin = "ombud.test/m-cosmetics";
    let cosigned = || {
        let note = Note::parse(&served.get("/ledger/checkpoint").text()).unwrap();
        cosignature::of_note(&note, &[witness.key()]).into_iter().map(|seen| seen.time_s - 1_800_000_000).collect::<Vec<_>>()
    };
    wait_for(|| cosigned() == [witness.size(origin)] && witness.size(origin) > 0);
    let receipt = served.get(&format!("/decisions/{}/receipt", decision["id"].as_str().unwrap()));
    let shown = Receipt::parse(&receipt.text()).unwrap().verify(None, keys(data.path()).as_slice(), &[witness.key()]).unwrap();
    assert_eq!(shown.cosignatures.len(), 1);
    // A larger log is cosigned with a consistency proof from the size before.
    let before = witness.size(origin);
    served.decide("2");
    wait_for(|| witness.size(origin) > before && cosigned() == [witness.size(origin)]);
    // The published file has the cosignature as well.
    let published = || Note::parse(&std::fs::read_to_string(data.path().join("checkpoints").join(MERCHANT)).unwrap()).unwrap();
    wait_for(|| cosignature::of_note(&published(), &[witness.key()]).len() == 1);
    served.stop();

    // After a restart the witness is asked from where it stands. One whose memory is newer than what is kept here says so (409).
    let before = witness.size(origin);
    let database = rusqlite::Connection::open(data.path().join("ombud.db")).unwrap();
    database.execute("DELETE FROM cosignatures", []).unwrap();
    let served = Served::start(data.path(), &["--witness", &witness.argument()]);
    served.decide("3");
    wait_for(|| witness.size(origin) > before);
    assert!(witness.answers.lock().unwrap().contains(&409));
    // The operator's own log has not grown, and is shown all the same.
    let of_the_operator = "SELECT count(*) FROM cosignatures JOIN merchants USING (merchant_no) WHERE id = 'operator'";
    wait_for(|| database.query_row(of_the_operator, [], |row| row.get::<_, i64>(0)).unwrap() == 1);
    let metrics = served.process.call(&served.agent, "GET", "/metrics").key(served.keys["operator"].as_str().unwrap()).send().text();
    assert!(metrics.contains(r#"ombud_ledger_witness_answers_total{said="conflict"}"#), "{metrics}");
}

#[test]
fn keys_are_rotated_while_the_server_runs() {
    let data = tempfile::tempdir().unwrap();
    let served = Served::start(data.path(), &[]);
    served.decide("1");
    wait_for(|| served.get("/ledger/checkpoint").status == 200);
    let opens = |keys: &VerifierKeys, at: usize| {
        let key = keys.as_slice()[at].of_merchant(&MerchantId::new(MERCHANT).unwrap());
        Checkpoint::open(&served.get("/ledger/checkpoint").text(), &[key]).is_ok()
    };
    let first = operator(data.path());
    assert_eq!(first.as_slice().len(), 1);
    let (code, said) = run(&["key", "rotate-ledger"], data.path());
    assert_eq!(code, 0, "{said}");
    let both = operator(data.path());
    assert_eq!(both.as_slice()[1], first.as_slice()[0]);
    assert!(said.contains(&both.as_slice()[0].to_string()));
    assert!(opens(&both, 0) && opens(&both, 1));
    let (code, _) = run(&["key", "retire-ledger"], data.path());
    assert_eq!(code, 0);
    served.decide("2");
    wait_for(|| opens(&both, 0) && !opens(&both, 1));
    served.stop();
    // Only the newest key is left to sign, and the file is its owner's.
    use std::os::unix::fs::PermissionsExt as _;
    let file = data.path().join("ledger.key");
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(std::fs::read_to_string(&file).unwrap().lines().count(), 1);
    // It is the same operator after a restart; another name is refused.
    let serve = |more: &[&str]| {
        let output = command(data.path()).args(more).output().unwrap();
        (output.status.code().unwrap(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let (code, said) = serve(&["--operator", "other.test"]);
    assert_eq!(code, 2, "{said}");
    assert!(said.contains("the operator of this data directory is `ombud.test`, not `other.test`"), "{said}");
    assert_eq!(serve(&["--operator", "two words"]).0, 2);
    assert_eq!(serve(&["--witness", "http://w.test=nothing"]).0, 2);
}

/// Puts the database of a directory back to what it is now.
fn as_now(data: &Path) -> impl Fn() + use<> {
    let (database, copy) = (data.join("ombud.db"), data.join("copy.db"));
    std::fs::copy(&database, &copy).unwrap();
    move || {
        std::fs::copy(&copy, &database).unwrap();
        for rest in ["-wal", "-shm"] {
            _ = std::fs::remove_file(format!("{}{rest}", database.display()));
        }
    }
}

/// A directory that a server has published of; puts its database back to its first decision, once the server is gone.
fn published_twice(data: &Path) -> (Served, impl Fn() + use<>) {
    let served = Served::start(data, &[]);
    served.decide("1");
    served.stop();
    let set_back = as_now(data);
    let served = Served::start(data, &[]);
    served.decide("2");
    (served, set_back)
}

#[test]
fn a_server_without_what_was_published_says_that_nothing_tells_whether_it_was_set_back() {
    let data = tempfile::tempdir().unwrap();
    let served = Served::start(data.path(), &[]);
    served.decide("1");
    served.stop();
    let said = |name: &str| {
        let log = data.path().join(name);
        let process = Process::logging(command(data.path()), std::fs::File::create(&log).unwrap());
        process.terminate();
        process.ended(Duration::from_secs(30));
        std::fs::read_to_string(log).unwrap()
    };
    let complaint = "no published checkpoint of this log is in the data directory";
    assert!(!said("whole.log").contains(complaint));
    // A server that was killed between making the file of its next turn and writing it leaves this, and nothing is wrong.
    std::fs::write(data.path().join("checkpoints").join(format!("{MERCHANT}.before")), "").unwrap();
    let check = Command::new(ombud()).args(["audit", "check", "--data"]).arg(data.path()).output().unwrap();
    assert!(check.status.success(), "{}", String::from_utf8_lossy(&check.stdout));
    std::fs::remove_dir_all(data.path().join("checkpoints")).unwrap();
    let log = said("gone.log");
    let told: Vec<&str> = log.lines().filter(|line| line.contains(complaint)).collect();
    assert!(told.iter().any(|line| line.contains(MERCHANT)) && told.iter().any(|line| line.contains("operator")), "{log}");
}

#[test]
fn a_database_that_was_set_back_does_not_start() {
    let data = tempfile::tempdir().unwrap();
    let (served, set_back) = published_twice(data.path());
    // Killed, so that it is the running server that published.
    wait_for(|| {
        let published = std::fs::read_to_string(data.path().join("checkpoints").join(MERCHANT)).unwrap();
        Checkpoint::open(&published, keys(data.path()).as_slice()).unwrap().size
            == ombud_tests::ledger::read(data.path(), MERCHANT).len() as u64
    });
    served.process.kill();
    drop(served);
    set_back();
    let output = command(data.path()).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("m-cosmetics: ") && said.contains("the database was set back") && said.contains("--accept-loss"), "{said}");

    // Other records in the place of the lost ones are noticed as well: the directory is used without the file, then it is back.
    let file = data.path().join("checkpoints").join(MERCHANT);
    let published = std::fs::read(&file).unwrap();
    std::fs::remove_file(&file).unwrap();
    let served = Served::start(data.path(), &[]);
    served.decide("another-2");
    served.decide("another-3");
    served.stop();
    std::fs::write(&file, &published).unwrap();
    let output = command(data.path()).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("are not those that were published"), "{said}");

    // Whoever knows what is lost may go on: that is recorded, and the old checkpoint is kept.
    let served = Served::start(data.path(), &["--accept-loss"]);
    let acts = served.get("/acts?act=ledger.loss-accepted").ok();
    assert_eq!(acts["acts"][0]["body"]["checkpoint"], String::from_utf8(published.clone()).unwrap(), "{acts}");
    served.decide("4");
    wait_for(|| served.get("/ledger/checkpoint").status == 200);
    served.stop();
    let kept = std::fs::read_dir(data.path().join("checkpoints")).unwrap().flatten();
    assert!(
        kept.into_iter()
            .any(|entry| entry.file_name().to_string_lossy().contains(".lost-") && std::fs::read(entry.path()).unwrap() == published)
    );
    let served = Served::start(data.path(), &[]);
    assert_eq!(served.get("/ledger/checkpoint").status, 200);
    served.stop();
}

#[test]
fn a_checkpoint_that_could_not_be_published_is_published_later() {
    let data = tempfile::tempdir().unwrap();
    let (file, before) =
        (data.path().join("checkpoints").join(MERCHANT), data.path().join("checkpoints").join(format!("{MERCHANT}.before")));
    let published = || Checkpoint::open(&std::fs::read_to_string(&file).unwrap(), keys(data.path()).as_slice()).unwrap().size;
    let signed = || {
        ombud_tests::ledger::count(
            data.path(),
            "SELECT max(size) FROM checkpoints JOIN merchants USING (merchant_no) WHERE id = 'm-cosmetics'",
        ) as u64
    };
    let served = Served::start(data.path(), &[]);
    served.decide("1");
    wait_for(|| file.is_file() && published() == signed());
    // In the place of the file that is written next there is a folder.
    _ = std::fs::remove_file(&before);
    std::fs::create_dir(&before).unwrap();
    let size = published();
    served.decide("2");
    wait_for(|| signed() > size);
    assert_eq!(published(), size);
    std::fs::remove_dir(&before).unwrap();
    wait_for(|| published() == signed());

    // As after a kill between the two: no record comes that would have it published.
    let old = std::fs::read(&file).unwrap();
    served.decide("3");
    served.stop();
    std::fs::write(&file, old).unwrap();
    assert!(published() < signed());
    let served = Served::start(data.path(), &[]);
    wait_for(|| published() == signed());
    assert_eq!(served.get("/ledger/checkpoint").status, 200);
    served.stop();
}

#[test]
fn commands_write_nothing_to_a_database_that_was_set_back() {
    let data = tempfile::tempdir().unwrap();
    let (served, set_back) = published_twice(data.path());
    served.stop();
    set_back();
    // What is there can be exported, and the bundle says what is lost.
    let on = |arguments: &[&str]| ombud_tests::command::on(data.path(), arguments);
    let before = ombud_tests::ledger::read(data.path(), MERCHANT).len();
    for refused in [
        &["key", "create", "--merchant", MERCHANT, "--role", "agent", "--label", "late"][..],
        &["audit", "erase", "--merchant", MERCHANT, "--customer", "customer-1", "--reason", "asked for"],
        &["key", "rotate-ledger"],
        &["key", "rotate-master"],
    ] {
        on(refused).exits(2).complains("m-cosmetics: ").complains("the database was set back").complains("--accept-loss");
    }
    on(&["key", "list", "--merchant", MERCHANT]).exits(0);
    let bundle = data.path().join("set-back.ombud");
    let bundle = bundle.to_str().unwrap();
    on(&["audit", "export", "--merchant", MERCHANT, "-o", bundle]).exits(1).complains("the database was set back");
    let key = data.path().join("ledger.vkey");
    let verified = ombud_tests::command::run(&["audit", "verify", bundle, "--key", key.to_str().unwrap(), "--no-replay"]);
    verified.exits(1).says("the log does not go on from its published checkpoint").says("the database was set back");
    assert_eq!(ombud_tests::ledger::read(data.path(), MERCHANT).len(), before, "nothing was written");
    let accepted = Served::start(data.path(), &["--accept-loss"]);
    accepted.decide("3");
    accepted.stop();
    on(&["key", "create", "--merchant", MERCHANT, "--role", "agent", "--label", "late"]).exits(0);
}

/// The published checkpoint of a log, if one of these keys signed it.
fn published(data: &Path, merchant: &str, keys: &VerifierKeys) -> Option<Checkpoint> {
    let note = std::fs::read_to_string(data.join("checkpoints").join(merchant)).ok()?;
    Checkpoint::open(&note, keys.of_merchant(&MerchantId::new(merchant).unwrap()).as_slice()).ok()
}

/// In the place of the file that a log's next checkpoint is written to there is a folder, or none any more.
fn cannot_be_published(data: &Path, cannot: bool) {
    let before = data.join("checkpoints").join(format!("{MERCHANT}.before"));
    if cannot {
        _ = std::fs::remove_file(&before);
        std::fs::create_dir(&before).unwrap();
    } else {
        std::fs::remove_dir(&before).unwrap();
    }
}

#[test]
fn a_log_that_cannot_be_published_hinders_no_other() {
    let data = tempfile::tempdir().unwrap();
    let witness = Witness::start();
    let served = Served::start(data.path(), &["--witness", &witness.argument()]);
    let keys = operator(data.path());
    witness.trust(&keys);
    let logs: Vec<String> = served.keys["merchants"].as_object().unwrap().keys().cloned().collect();
    assert!(logs.len() > 2 && logs.iter().any(|log| log == MERCHANT));
    let decide = |log: &str, own: &str| {
        let key = served.keys["merchants"][log]["agent"].as_str().unwrap();
        let call = served.process.call(&served.agent, "POST", &format!("/v1/merchants/{log}/events"));
        call.key(key).event(&event("ticket.created", own)).send().ok();
    };
    let records = |log: &str| ombud_tests::ledger::read(data.path(), log).len() as u64;
    let size = |log: &str| published(data.path(), log, &keys).map_or(0, |checkpoint| checkpoint.size);
    logs.iter().for_each(|log| decide(log, "first"));
    wait_for(|| logs.iter().all(|log| size(log) == records(log)));
    cannot_be_published(data.path(), true);
    let was = size(MERCHANT);
    for round in 0..4 {
        logs.iter().for_each(|log| decide(log, &format!("round-{round}")));
        wait_for(|| logs.iter().filter(|log| *log != MERCHANT).all(|log| size(log) == records(log)));
    }
    wait_for(|| logs.iter().all(|log| witness.size(&format!("ombud.test/{log}")) == records(log)));
    assert_eq!(size(MERCHANT), was);
    cannot_be_published(data.path(), false);
    wait_for(|| size(MERCHANT) == records(MERCHANT));
}

#[test]
fn a_rotation_takes_place_although_a_checkpoint_cannot_be_published() {
    let data = tempfile::tempdir().unwrap();
    let served = Served::start(data.path(), &[]);
    served.decide("1");
    let first = operator(data.path());
    let logs: Vec<String> = served.keys["merchants"].as_object().unwrap().keys().cloned().collect();
    wait_for(|| logs.iter().all(|log| published(data.path(), log, &first).is_some()));
    cannot_be_published(data.path(), true);
    let rotate = served.process.call(&served.agent, "POST", "/v1/ledger/keys").key(served.keys["operator"].as_str().unwrap());
    let rotated = rotate.send().ok();
    assert_eq!(rotated["signing"].as_array().unwrap().len(), 2, "{rotated}");
    let newest: VerifierKeys = operator(data.path()).as_slice()[0].to_string().parse().unwrap();
    assert!(first.iter().all(|key| *key != newest.as_slice()[0]));
    // The logs do not grow meanwhile: each has the signature of the new key at once, and this one as soon as it can be published.
    assert!(logs.iter().all(|log| published(data.path(), log, &newest).is_some() == (log != MERCHANT)));
    cannot_be_published(data.path(), false);
    wait_for(|| published(data.path(), MERCHANT, &newest).is_some());
}
