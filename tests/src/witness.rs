//! A witness by c2sp.org/tlog-witness, small but honest: it verifies what it is sent before it signs.

use std::collections::HashMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use ombud_ledger::log::key::Algorithm;
use ombud_ledger::log::witness::AddCheckpoint;
use ombud_ledger::log::{Checkpoint, KeyName, SigningKey, VerifierKey, VerifierKeys, cosignature};

/// What it signed last of each log.
type Seen = HashMap<String, Checkpoint>;

/// A running witness of every log of one operator.
pub struct Witness {
    /// `http://127.0.0.1:PORT/w1`
    pub url: String,
    key: SigningKey,
    operator: Arc<Mutex<Option<VerifierKeys>>>,
    seen: Arc<Mutex<Seen>>,
    /// What it answered, in order: status and origin.
    pub answers: Arc<Mutex<Vec<u16>>>,
}

impl Witness {
    /// Starts; it knows no log until [`Witness::trust`].
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}/w1", listener.local_addr().expect("an address"));
        let key = SigningKey::from_seed(KeyName::new("witness.test/w1").expect("a name"), Algorithm::CosignatureV1, &[9; 32]);
        let witness = Self { url, key, operator: Arc::default(), seen: Arc::default(), answers: Arc::default() };
        let (key, operator, seen, answers) =
            (witness.key.clone(), Arc::clone(&witness.operator), Arc::clone(&witness.seen), Arc::clone(&witness.answers));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let body = read(&stream);
                let (status, media, text) = match &*operator.lock().expect("no panic") {
                    Some(operator) => add_checkpoint(&body, &key, operator, &mut seen.lock().expect("no panic")),
                    None => (404, "text/plain", String::new()),
                };
                answers.lock().expect("no panic").push(status);
                let length = text.len();
                let head = format!("HTTP/1.1 {status} X\r\ncontent-type: {media}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n");
                _ = (&stream).write_all(format!("{head}{text}").as_bytes());
            }
        });
        witness
    }

    /// Lets it know the operator's keys.
    pub fn trust(&self, operator: &VerifierKeys) {
        *self.operator.lock().expect("no panic") = Some(operator.clone());
    }

    /// Its verifier key.
    pub fn key(&self) -> VerifierKey {
        self.key.verifier().clone()
    }

    /// The argument of `ombud serve --witness`.
    pub fn argument(&self) -> String {
        format!("{}={}", self.url, self.key())
    }

    /// The size it has signed last of a log.
    pub fn size(&self, origin: &str) -> u64 {
        self.seen.lock().expect("no panic").get(origin).map_or(0, |seen| seen.size)
    }
}

/// The body of the one request of a connection.
fn read(stream: &TcpStream) -> String {
    let mut reader = BufReader::new(stream);
    let mut length = 0;
    let mut line = String::new();
    while reader.read_line(&mut line).is_ok_and(|read| read > 2) {
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            length = value.trim().parse().unwrap_or(0);
        }
        line.clear();
    }
    let mut body = vec![0; length];
    _ = reader.read_exact(&mut body);
    String::from_utf8_lossy(&body).into_owned()
}

/// `add-checkpoint` as the specification has it.
fn add_checkpoint(body: &str, key: &SigningKey, operator: &VerifierKeys, seen: &mut Seen) -> (u16, &'static str, String) {
    let refused = |status| (status, "text/plain", String::new());
    let Ok(request) = AddCheckpoint::parse(body) else { return refused(400) };
    let origin = request.checkpoint.lines().next().unwrap_or_default();
    let merchant = origin.rsplit('/').next().and_then(|merchant| merchant.parse().ok());
    let Some(keys) = merchant.map(|merchant| operator.of_merchant(&merchant)) else { return refused(404) };
    let Ok(checkpoint) = Checkpoint::open(&request.checkpoint, keys.as_slice()) else { return refused(403) };
    if request.old_size > checkpoint.size {
        return refused(400);
    }
    let last = seen.get(checkpoint.origin.as_str());
    let size = last.map_or(0, |last| last.size);
    if request.old_size != size {
        return (409, "text/x.tlog.size", format!("{size}\n"));
    }
    if request.check(last, &checkpoint).is_err() {
        return refused(422);
    }
    let signature = cosignature::sign(key, 1_800_000_000 + checkpoint.size, &checkpoint).expect("a cosigner's key");
    seen.insert(checkpoint.origin.to_string(), checkpoint);
    (200, "text/plain", format!("{signature}\n"))
}
