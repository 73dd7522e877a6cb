//! Components are loaded when they are needed and unloaded by use, shared by digest; what lacks compiled code is compiled beside the decisions.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use ombud::plugins::{Component, Plugins};
use ombud::service::{Options, Role};
use ombud_core::call_limits::OperatorLimits;
use ombud_core::fault::FaultCode;
use ombud_ledger::Digest;
use ombud_sandbox::{CodeKey, Compiler, Limits, LoadLimits, Plugin, Sandbox};
use ombud_tests::events::event;
use ombud_tests::guests::{self, facts};
use ombud_tests::server::{Server, only, policies_with, wait_for};
use serde_json::{Value, json};

/// A component that differs from others in nothing but its digest.
fn variant(number: u8) -> Vec<u8> {
    let custom = [0, 3, 1, b'n', number];
    [guests::component("trap", "delay-policy").as_slice(), &custom].concat()
}

/// Components by digest.
fn stored(numbers: std::ops::Range<u8>) -> HashMap<Digest, Vec<u8>> {
    numbers.map(variant).map(|bytes| (Digest::of(&bytes), bytes)).collect()
}

fn plugins(folder: &Path, loaded_bytes_max: usize) -> Plugins {
    with(folder, LoadLimits { loaded_bytes_max, ..LoadLimits::default() })
}

fn with(folder: &Path, limits: LoadLimits) -> Plugins {
    let sandbox = Sandbox::new().unwrap().with_cache(folder.join("code"), CodeKey([1; 32])).unwrap();
    Plugins::new(Arc::new(sandbox.with_compiler(Compiler::InProcess, limits)))
}

fn loaded(component: Option<Component>) -> Plugin {
    match component {
        Some(Component::Loaded(plugin)) => plugin,
        Some(Component::Refused(reason)) => panic!("refused: {reason}"),
        None => panic!("not at hand"),
    }
}

/// Rules that are declared lie in memory with their component, and count.
#[test]
fn what_a_component_says_of_itself_takes_room() {
    let folder = tempfile::tempdir().unwrap();
    let rules: Vec<Value> = (0..1_000).map(|at| json!({"rule": format!("R-{at:03}"), "title": "t".repeat(200)})).collect();
    let section = json!({ "delay": rules }).to_string();
    let bare = guests::component("trap", "delay-policy");
    let takes = |bytes: Vec<u8>| {
        let digest = Digest::of(&bytes);
        loaded(plugins(folder.path(), usize::MAX).component(&digest, &HashMap::from([(digest, bytes)])).unwrap()).resident_bytes()
    };
    let rules = takes(ombud_tests::uploads::with_section(&bare, "ombud:rules", section.as_bytes())) - takes(bare);
    assert!((1_000 * 205..1_000 * 300).contains(&rules), "{rules}");
}

#[test]
fn what_was_not_used_for_longest_is_unloaded_at_the_limit_and_not_below() {
    let folder = tempfile::tempdir().unwrap();
    let stored = stored(0..3);
    let digest = |number: u8| Digest::of(&variant(number));
    let one = loaded(plugins(folder.path(), usize::MAX).component(&digest(0), &stored).unwrap()).resident_bytes();
    assert!(one > ombud_sandbox::KEPT_BESIDE_BYTES);

    // Room for two to the byte: the third unloads the one that was not used last.
    let two = plugins(folder.path(), 2 * one);
    for number in [0, 1, 0] {
        loaded(two.component(&digest(number), &stored).unwrap());
    }
    assert_eq!((two.held().plugins, two.held().bytes, two.held().evictions), (2, 2 * one, 0));
    loaded(two.component(&digest(2), &stored).unwrap());
    assert_eq!((two.held().plugins, two.held().bytes, two.held().evictions), (2, 2 * one, 1));
    assert!(two.is_settled(&digest(0)) && !two.is_settled(&digest(1)) && two.is_settled(&digest(2)));

    // One byte less, and there is room for one.
    let less = plugins(folder.path(), 2 * one - 1);
    for number in [0, 1] {
        loaded(less.component(&digest(number), &stored).unwrap());
    }
    assert_eq!((less.held().plugins, less.held().evictions), (1, 1));
    // What is larger than the limit runs all the same, alone; what is pinned stays whatever comes.
    let none = plugins(folder.path(), 1);
    none.pin(&loaded(none.component(&digest(0), &stored).unwrap()));
    for number in [1, 2] {
        loaded(none.component(&digest(number), &stored).unwrap());
    }
    assert!(none.is_settled(&digest(0)) && !none.is_settled(&digest(1)) && none.is_settled(&digest(2)));
}

#[test]
fn a_plugin_in_use_survives_its_eviction_and_comes_back_without_its_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let stored = stored(0..2);
    let digest = |number: u8| Digest::of(&variant(number));
    let plugins = plugins(folder.path(), 1);
    assert!(plugins.at_hand(&digest(0)).is_none(), "nothing is compiled on the way to a decision");
    let used = loaded(plugins.component(&digest(0), &stored).unwrap());
    loaded(plugins.component(&digest(1), &stored).unwrap());
    assert!(!plugins.is_settled(&digest(0)));
    let run = |plugin: &Plugin| plugin.decide(&facts(), "{}", &Limits::default(), 0);
    assert_eq!(run(&used).result.as_ref().unwrap_err().code, FaultCode::Trap);
    let again = loaded(plugins.at_hand(&digest(0)));
    assert_eq!(run(&again), run(&used));
    assert_eq!(again.inspection(), used.inspection(), "what a component is stands beside its code");
    assert_eq!((plugins.held().loads, plugins.held().evictions), (1, 2));
}

/// Bytes of the code cache, as the disk has them.
fn on_disk(folder: &Path) -> u64 {
    guests::files(&folder.join("code"), "").iter().map(|path| path.metadata().unwrap().len()).sum()
}

#[test]
fn compiled_code_on_disk_takes_so_much_and_no_more() {
    let all: Vec<Vec<u8>> =
        ["trap", "endless-loop", "long-error", "grows-table"].map(|name| guests::component(name, "delay-policy")).into();
    let stored: HashMap<Digest, Vec<u8>> = all.iter().map(|bytes| (Digest::of(bytes), bytes.clone())).collect();
    let digest = |number: usize| Digest::of(&all[number]);
    let sizes: Vec<u64> = {
        let folder = tempfile::tempdir().unwrap();
        let unbounded = plugins(folder.path(), 1);
        let mut before = 0;
        let size = |number| {
            loaded(unbounded.component(&digest(number), &stored).unwrap());
            let (size, now) = (unbounded.held().code.bytes - before, unbounded.held().code.bytes);
            assert_eq!(now, on_disk(folder.path()));
            before = now;
            size
        };
        (0..4).map(size).collect()
    };
    // One component is in memory at a time: the others are not in use.
    let bounded = |folder: &Path, code_cache_bytes_max| {
        with(folder, LoadLimits { loaded_bytes_max: 1, code_cache_bytes_max, ..LoadLimits::default() })
    };
    let load = |plugins: &Plugins, number: usize| {
        // Times of files are as fine as the system's clock ticks.
        std::thread::sleep(Duration::from_millis(20));
        loaded(plugins.component(&digest(number), &stored).unwrap())
    };
    let three: u64 = sizes[..3].iter().sum();
    // Which of a component's files is the older one hangs on the clock's ticks.
    for older in [".code", ".facts"] {
        let folder = tempfile::tempdir().unwrap();
        let just = bounded(folder.path(), three);
        drop(load(&just, 0));
        let file = std::fs::File::open(&guests::files(&folder.path().join("code"), older)[0]).unwrap();
        file.set_modified(std::time::SystemTime::now() - Duration::from_secs(30)).unwrap();
        (1..3).for_each(|number| drop(load(&just, number)));
        assert_eq!((just.held().code.bytes, just.held().code.evictions), (three, 0));
        drop(just);

        // One byte less: what was used least lately goes, and is compiled again when it is needed. A restart knows the order.
        let less = bounded(folder.path(), three - 1);
        assert_eq!(less.held().code.bytes, three);
        less.sandbox().make_room();
        assert!(less.at_hand(&digest(0)).is_none() && less.at_hand(&digest(1)).is_some() && less.at_hand(&digest(2)).is_some());
        assert!(less.held().code.evictions > 0 && less.held().code.bytes < three);
        load(&less, 0);
        assert!(less.at_hand(&digest(0)).is_some());
        let held = less.held().code.bytes;
        assert!(held < three && held == on_disk(folder.path()), "{older}: {held} of {three}, {} on disk", on_disk(folder.path()));
    }

    // What is loaded stays, however long ago it was read, and the newest one stays even where it alone is too much.
    let folder = tempfile::tempdir().unwrap();
    let two = bounded(folder.path(), sizes[0] + sizes[1] + sizes[2].max(sizes[3]) - 1);
    let used = load(&two, 0);
    (1..4).for_each(|number| drop(load(&two, number)));
    assert!(two.at_hand(&digest(1)).is_none(), "it was not loaded any more");
    assert!(two.at_hand(&digest(0)).is_some() && two.at_hand(&digest(3)).is_some());
    drop(used);
    let folder = tempfile::tempdir().unwrap();
    let none = bounded(folder.path(), 1);
    (0..2).for_each(|number| drop(load(&none, number)));
    assert!(none.at_hand(&digest(1)).is_some());
}

#[test]
fn what_differs_in_its_own_facts_only_is_compiled_once() {
    let folder = tempfile::tempdir().unwrap();
    let stored = stored(0..3);
    let plugins = plugins(folder.path(), usize::MAX);
    let codes: Vec<[u8; 32]> = stored.keys().map(|digest| loaded(plugins.component(digest, &stored).unwrap()).inspection().code).collect();
    assert!(codes.iter().all(|code| *code == codes[0]));
    let count = |ending: &str| guests::files(&folder.path().join("code"), ending).len();
    assert_eq!((count(".facts"), count(".code")), (3, 1));
    // What does something else has another code.
    let other = guests::component("endless-loop", "delay-policy");
    assert_ne!(Sandbox::new().unwrap().load(&other).unwrap().inspection().code, codes[0]);
}

#[test]
fn everybody_shares_one_copy() {
    let folder = tempfile::tempdir().unwrap();
    let stored = stored(0..1);
    let digest = Digest::of(&variant(0));
    drop(plugins(folder.path(), 1).component(&digest, &stored).unwrap());
    let plugins = plugins(folder.path(), usize::MAX);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| loaded(plugins.at_hand(&digest)));
        }
    });
    assert_eq!((plugins.held().loads, plugins.held().plugins), (1, 1));
}

/// A data directory with a merchant whose delays are decided by a guest that traps, and which no package has any more.
struct Kept {
    data: tempfile::TempDir,
    merchant: String,
}

fn kept() -> Kept {
    let component = variant(7);
    let folder = tempfile::tempdir().unwrap();
    let package = guests::package(folder.path(), "traps", &component);
    let (_links, policies) = policies_with(&[&package]);
    let data = tempfile::tempdir().unwrap();
    let server = Server::on(data.path(), &policies);
    let merchant = server.merchant(json!({"policies": {"delay": {"policy": "traps"}}}));
    assert_eq!(fault(&merchant.post(&event("delay.detected", "before"))), "trap");
    let id = merchant.id.clone();
    server.stop();
    Kept { data, merchant: id }
}

fn fault(answer: &Value) -> String {
    only(answer)["fault"]["code"].as_str().unwrap_or_default().to_owned()
}

impl Kept {
    /// Its file in the code cache, if it is there.
    fn code(&self) -> Option<PathBuf> {
        let code = Sandbox::new().unwrap().load(&variant(7)).unwrap().inspection().code;
        let name = Digest(code).to_string();
        let files = guests::files(&self.data.path().join("code"), ".code");
        files.into_iter().find(|path| path.file_name().unwrap().to_str().unwrap().starts_with(&name))
    }

    fn serve(&self, compiler: Compiler) -> Server {
        Server::with(self.data.path(), Options { policies: Some(guests::root().join("policies")), compiler, ..Options::default() })
    }

    fn decide(&self, server: &Server, id: &str) -> String {
        let key = server.call("POST", &format!("/v1/merchants/{}/keys", self.merchant)).key(&server.operator);
        let key = key.json(&json!({"role": Role::Agent, "label": id})).send().with(201)["secret"].as_str().unwrap().to_owned();
        let sent = server.call("POST", &format!("/v1/merchants/{}/events", self.merchant)).key(&key).event(&event("delay.detected", id));
        fault(&sent.send().ok())
    }
}

#[test]
fn a_restart_loads_nothing_before_it_is_needed() {
    let kept = kept();
    let server = kept.serve(Compiler::InProcess);
    let packages = server.service.plugins().held();
    assert_eq!(packages.loads, 0, "packages are checked, and shared by all");
    assert_eq!(kept.decide(&server, "after"), "trap");
    let held = server.service.plugins().held();
    assert_eq!((held.loads, held.plugins), (1, packages.plugins + 1));
    let metrics = server.call("GET", "/metrics").key(&server.operator).send().text();
    assert!(metrics.contains("ombud_plugin_loads_total 1\n"), "{metrics}");
    assert!(metrics.contains(&format!("ombud_plugins_loaded_bytes {}\n", held.bytes)), "{metrics}");
}

#[test]
fn a_decision_without_compiled_code_waits_for_it() {
    let kept = kept();
    std::fs::remove_file(kept.code().unwrap()).unwrap();
    let server = kept.serve(Compiler::InProcess);
    assert_eq!(kept.decide(&server, "lost"), "trap");
    wait_for(|| kept.code().is_some());
    server.stop();
    // Damaged code is code that is not there.
    let file = kept.code().unwrap();
    let mut bytes = std::fs::read(&file).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    std::fs::write(&file, &bytes).unwrap();
    let server = kept.serve(Compiler::InProcess);
    assert_eq!(kept.decide(&server, "damaged"), "trap");
    assert_ne!(std::fs::read(&file).unwrap(), bytes);
}

#[test]
fn removed_code_is_compiled_again_when_it_is_needed() {
    let kept = kept();
    let server = kept.serve(Compiler::InProcess);
    let code = |server: &Server| server.service.plugins().held().code;
    assert_eq!((code(&server).bytes, code(&server).evictions), (on_disk(kept.data.path()), 0));
    server.stop();
    // The operator's packages alone take more than this, and stay: they are loaded.
    let limits = json!({"load": {"code_cache_bytes_max": 1 << 20, "loaded_bytes_max": 1 << 20}});
    let limits = Some(OperatorLimits::parse(limits.to_string().as_bytes()).unwrap());
    let policies = Some(guests::root().join("policies"));
    let server = Server::with(kept.data.path(), Options { policies, limits, ..Options::default() });
    assert!(code(&server).evictions > 0, "the merchant's was not loaded");
    assert_eq!(kept.decide(&server, "removed"), "trap");
    let metrics = server.call("GET", "/metrics").key(&server.operator).send().text();
    let held = code(&server);
    assert!(metrics.contains(&format!("ombud_code_cache_bytes {}\n", held.bytes)), "{metrics}");
    assert!(metrics.contains(&format!("ombud_code_cache_evictions_total {}\n", held.evictions)), "{metrics}");
}

#[test]
fn a_decision_does_not_wait_for_longer_than_its_policy_may_run() {
    let kept = kept();
    std::fs::remove_file(kept.code().unwrap()).unwrap();
    let arguments = ["-c", "exec sleep 20"].map(Into::into).into();
    let server = kept.serve(Compiler::Worker { program: "/bin/sh".into(), arguments });
    let started = Instant::now();
    assert_eq!(kept.decide(&server, "never"), "not-loaded");
    let took = started.elapsed();
    assert!(took >= Duration::from_millis(Limits::default().deadline_ms) && took < Duration::from_secs(10), "{took:?}");
    let views = server.call("GET", &format!("/v1/merchants/{}/policies", kept.merchant)).key(&server.operator).send().ok();
    let delay = views.as_array().unwrap().iter().find(|view| view["kind"] == "delay").unwrap();
    assert!(delay["status"].as_str().unwrap().contains("not compiled yet"), "{delay}");
}
