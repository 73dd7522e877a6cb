//! Checkpoints, tiles and receipts over HTTP. Nothing signs here but what a test asks for.

use ombud_core::event::EventType;
use ombud_core::ids::MerchantId;
use ombud_ledger::log::receipt::Receipt;
use ombud_ledger::log::tile::{decode_bundle, decode_tile};
use ombud_ledger::log::{Checkpoint, Frontier, VerifierKey, VerifierKeys};
use ombud_ledger::{Entry, Header, leaf_hash};
use serde_json::Value;

use super::world::{MERCHANT, OTHER, World, at, call, event, open};
use crate::service::Role;

/// The keys of the example merchant's log.
async fn keys(world: &World, merchant: &str) -> VerifierKeys {
    let view = call("GET", "/v1/ledger/keys").key(&world.operator).send(&world.router()).await.ok();
    assert_eq!(view["operator"], "ombud.local");
    let lines: Vec<&str> = view["verifier_keys"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    lines.join("\n").parse::<VerifierKeys>().unwrap().of_merchant(&MerchantId::new(merchant).unwrap())
}

async fn decide(world: &World) -> Value {
    let answer = world.agent("POST", &at("/events")).event(&event(EventType::DelayDetected)).send(&world.router()).await.ok();
    answer["decisions"][0].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_is_read_and_checked_with_the_operators_key_alone() {
    let world = open(tempfile::tempdir().unwrap());
    let router = world.router();
    let auditor = world.key(MERCHANT, Role::Auditor);
    let get = |path: String| call("GET", &at(&path)).key(auditor).send(&router);
    // Nothing is signed yet: come again.
    let decision = decide(&world).await;
    let (id, seq) = (decision["id"].as_str().unwrap().to_owned(), decision["seq"].as_u64().unwrap());
    for path in ["/ledger/checkpoint".to_owned(), format!("/decisions/{id}/receipt")] {
        let reply = get(path).await;
        assert_eq!(reply.problem(409)["type"], "urn:ombud:problem:not-yet");
        assert_eq!(reply.headers["retry-after"], "1");
    }
    world.service.sign_now().unwrap();
    let keys = keys(&world, MERCHANT).await;

    let reply = get("/ledger/checkpoint".into()).await;
    assert_eq!(
        (&reply.headers["content-type"], &reply.headers["cache-control"]),
        (&"text/plain; charset=utf-8".parse().unwrap(), &"private, no-cache".parse().unwrap())
    );
    let checkpoint = Checkpoint::open(&reply.text(), keys.as_slice()).unwrap();
    assert_eq!(checkpoint.origin.as_str(), format!("ombud.local/{MERCHANT}"));
    assert!(checkpoint.size > seq);
    let act = Receipt::parse(&get("/ledger/receipts/0".into()).await.text()).unwrap();
    assert_eq!(act.verify(None, keys.as_slice(), &[]).unwrap().index, 0);
    get(format!("/ledger/receipts/{}", u64::MAX)).await.problem(404);
    get("/ledger/receipts/x".into()).await.problem(404);

    // The records themselves lead to the signed root.
    let reply = get(format!("/ledger/tile/entries/000.p/{}", checkpoint.size)).await;
    assert_eq!(
        (&reply.headers["content-type"], &reply.headers["cache-control"]),
        (&"application/octet-stream".parse().unwrap(), &"private, max-age=31536000, immutable".parse().unwrap())
    );
    let leaves: Vec<_> = decode_bundle(&reply.bytes).unwrap().into_iter().map(leaf_hash).collect();
    assert_eq!(Frontier::of(leaves.iter().copied()).root(), checkpoint.root);
    let tile = get(format!("/ledger/tile/0/000.p/{}", checkpoint.size)).await;
    assert_eq!(decode_tile(&tile.bytes).unwrap(), leaves);

    let reply = get(format!("/decisions/{id}/receipt")).await;
    assert_eq!(reply.headers["content-type"], "text/plain; charset=utf-8");
    let receipt = Receipt::parse(&reply.text()).unwrap();
    let shown = receipt.verify(None, keys.as_slice(), &[]).unwrap();
    assert_eq!((shown.index, leaf_hash(&shown.header).to_string()), (seq, decision["leaf"].as_str().unwrap().to_owned()));
    assert_eq!(Header::decode(&shown.header).unwrap().merchant.as_str(), MERCHANT);

    // A later decision has no receipt before the next signature; the old receipt stays good.
    let later = decide(&world).await["id"].as_str().unwrap().to_owned();
    get(format!("/decisions/{later}/receipt")).await.problem(409);
    world.service.sign_now().unwrap();
    let renewed = Receipt::parse(&get(format!("/decisions/{later}/receipt")).await.text()).unwrap();
    assert!(renewed.verify(None, keys.as_slice(), &[]).unwrap().checkpoint.size > checkpoint.size);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_tile_of_this_log_is_not_found() {
    let world = open(tempfile::tempdir().unwrap());
    decide(&world).await;
    world.service.sign_now().unwrap();
    let note = call("GET", &at("/ledger/checkpoint")).key(&world.operator).send(&world.router()).await.text();
    let size = Checkpoint::open(&note, keys(&world, MERCHANT).await.as_slice()).unwrap().size;
    for tile in [
        format!("0/000.p/{}", size + 1),
        format!("entries/000.p/{}", size + 1),
        "0/000".into(),
        "0/001.p/1".into(),
        "1/000.p/1".into(),
        "63/x018/x446/x744/x073/x709/x551/615".into(),
        "0/0".into(),
        "0/000.p/0".into(),
        "x".into(),
        "0/000.p/1/".into(),
        "data/000.p/1".into(),
    ] {
        let path = at(&format!("/ledger/tile/{tile}"));
        call("GET", &path).key(world.key(MERCHANT, Role::MerchantAdmin)).send(&world.router()).await.problem(404);
    }
    call("GET", &at("/decisions/00000000000000000000000000000000/receipt"))
        .key(world.key(MERCHANT, Role::MerchantAdmin))
        .send(&world.router())
        .await
        .problem(404);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_ledger_is_for_auditors_the_merchant_and_the_operator() {
    let world = open(tempfile::tempdir().unwrap());
    let router = world.router();
    let id = decide(&world).await["id"].as_str().unwrap().to_owned();
    world.service.sign_now().unwrap();
    for path in ["/ledger/checkpoint".to_owned(), "/ledger/tile/0/000.p/1".to_owned(), format!("/decisions/{id}/receipt")] {
        for role in Role::ALL.into_iter().filter(|role| *role != Role::Operator) {
            let reply = call("GET", &at(&path)).key(world.key(MERCHANT, role)).send(&router).await;
            let may = matches!(role, Role::Auditor | Role::MerchantAdmin);
            assert_eq!(reply.status.as_u16(), if may { 200 } else { 403 }, "{role} {path}");
        }
        assert_eq!(call("GET", &at(&path)).key(&world.operator).send(&router).await.status.as_u16(), 200);
        call("GET", &at(&path)).key(world.key(OTHER, Role::Auditor)).send(&router).await.problem(404);
        call("GET", &at(&path)).send(&router).await.problem(401);
    }
    for (method, path) in [
        ("POST", "/v1/ledger/keys"),
        ("DELETE", "/v1/ledger/keys/old"),
        ("GET", "/v1/ledger/checkpoint"),
        ("GET", "/v1/ledger/tile/0/000.p/1"),
    ] {
        call(method, path).key(world.key(MERCHANT, Role::MerchantAdmin)).send(&router).await.problem(403);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_rotation_both_keys_verify_until_the_old_one_is_retired() {
    let world = open(tempfile::tempdir().unwrap());
    let router = world.router();
    decide(&world).await;
    world.service.sign_now().unwrap();
    let opens = async |key: &VerifierKey| {
        let note = call("GET", &at("/ledger/checkpoint")).key(&world.operator).send(&router).await.text();
        Checkpoint::open(&note, &[key.of_merchant(&MerchantId::new(MERCHANT).unwrap())]).is_ok()
    };
    let change = async |method: &str, path: &str| {
        let view = call(method, path).key(&world.operator).send(&router).await.ok();
        let read = |member: &str| -> Vec<VerifierKey> {
            view[member].as_array().unwrap().iter().map(|key| key.as_str().unwrap().parse().unwrap()).collect()
        };
        (read("signing"), read("verifier_keys"))
    };
    let (signing, _) = change("GET", "/v1/ledger/keys").await;
    let [first] = &signing[..] else { panic!("{signing:?}") };
    assert!(opens(first).await);
    // The newest checkpoint is signed again at once.
    let (signing, known) = change("POST", "/v1/ledger/keys").await;
    let [second, kept] = &signing[..] else { panic!("{signing:?}") };
    assert_eq!((kept, &known), (first, &signing));
    assert!(opens(first).await && opens(second).await);
    decide(&world).await;
    world.service.sign_now().unwrap();
    assert!(opens(first).await && opens(second).await);
    let rotated = call("GET", "/v1/acts").key(&world.operator).send(&router).await.ok();
    assert_eq!(
        (&rotated["acts"][0]["name"], &rotated["acts"][0]["body"]["key"]),
        (&"ledger.key-rotated".into(), &second.to_string().into())
    );
    let (signing, known) = change("DELETE", "/v1/ledger/keys/old").await;
    assert_eq!((&signing[..], known.len()), (std::slice::from_ref(second), 2));
    // The act names the key that stopped; where none stops, nothing is on record.
    change("DELETE", "/v1/ledger/keys/old").await;
    let acts = call("GET", "/v1/acts?act=ledger.key-retired").key(&world.operator).send(&router).await.ok();
    let retired: Vec<_> = acts["acts"].as_array().unwrap().iter().map(|act| act["body"]["key"].as_str().unwrap().to_owned()).collect();
    assert_eq!(retired, [first.to_string()]);
    decide(&world).await;
    world.service.sign_now().unwrap();
    assert!(!opens(first).await && opens(second).await);

    // The operator's own log, with the rotation in it, is signed like a merchant's.
    let note = call("GET", "/v1/ledger/checkpoint").key(&world.operator).send(&router).await.text();
    let key = second.of_merchant(&MerchantId::new("operator").unwrap());
    let checkpoint = Checkpoint::open(&note, &[key]).unwrap();
    let path = format!("/v1/ledger/tile/entries/000.p/{}", checkpoint.size);
    let entries = call("GET", &path).key(&world.operator).send(&router).await.bytes;
    let headers: Vec<Header> = decode_bundle(&entries).unwrap().into_iter().map(|header| Header::decode(header).unwrap()).collect();
    assert!(headers.iter().any(|header| matches!(&header.entry, Entry::Act(act) if act.act == "ledger.key-retired")));
    assert_eq!(Frontier::of(decode_bundle(&entries).unwrap().into_iter().map(leaf_hash)).root(), checkpoint.root);
}
