//! What the HTTP edge costs: a bare axum route against the same request through the whole edge, in process and over 64
//! kept-alive connections. `cargo run --release -p ombud --example http_speed`

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use axum::routing::get;
use ombud::http::{HttpLimits, router, serve};
use ombud::service::{Options, Role, Service};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tower::ServiceExt as _;

const CONNECTIONS: usize = 64;
const SECONDS: u64 = 3;

#[tokio::main(worker_threads = 2)]
async fn main() -> anyhow::Result<()> {
    let data = tempfile::tempdir()?;
    let service = Service::open(data.path(), Options { policies: None, ..Options::default() })?;
    let owner = Service::owner()?;
    service
        .put_merchant_now(&owner, "m", br#"{"id": "m", "shop_id": "1", "platform": "douyin"}"#)
        .map_err(|error| anyhow::anyhow!("{error}"))?;
    let key = service.create_key_now(&owner, Some("m"), Role::Agent, "agent").map_err(|error| anyhow::anyhow!("{error}"))?.secret;
    let bare = Router::new().route("/healthz", get(|| async { r#"{"status":"ok"}"# }));
    let whole = router(service.clone(), HttpLimits::default());
    for (name, router, path) in
        [("bare", &bare, "/healthz"), ("whole", &whole, "/healthz"), ("whole, key", &whole, "/v1/merchants/m/policies")]
    {
        let rounds = 300_000;
        let began = Instant::now();
        for _ in 0..rounds {
            let request = Request::get(path).header("authorization", format!("Bearer {key}")).header("host", "x").body(Body::empty())?;
            let response = router.clone().oneshot(request).await?;
            anyhow::ensure!(response.status() == 200);
        }
        println!("in process, {name}: {:.0} ns", began.elapsed().as_nanos() as f64 / f64::from(rounds));
    }
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let bare_address = listener.local_addr()?;
    tokio::spawn(async move { axum::serve(listener, bare).await });
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let (served, _stop) = (service.clone(), ());
    tokio::spawn(serve(listener, served, HttpLimits::default(), std::future::pending()));
    for _ in 0..2 {
        println!("over TCP, bare: {:.0}/s", load(bare_address, "/healthz", &key).await?);
        println!("over TCP, whole: {:.0}/s", load(address, "/healthz", &key).await?);
        println!("over TCP, whole, key: {:.0}/s", load(address, "/v1/merchants/m/policies", &key).await?);
    }
    Ok(())
}

async fn load(address: SocketAddr, path: &str, key: &str) -> anyhow::Result<f64> {
    let request = format!("GET {path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {key}\r\n\r\n");
    let until = Instant::now() + Duration::from_secs(SECONDS);
    let mut clients = Vec::new();
    for _ in 0..CONNECTIONS {
        let request = request.clone();
        clients.push(tokio::spawn(async move {
            let mut stream = TcpStream::connect(address).await?;
            stream.set_nodelay(true)?;
            let (mut buffer, mut count) = ([0_u8; 4096], 0_u32);
            while Instant::now() < until {
                stream.write_all(request.as_bytes()).await?;
                anyhow::ensure!(stream.read(&mut buffer).await? > 0);
                count += 1;
            }
            Ok(count)
        }));
    }
    let mut total = 0;
    for client in clients {
        total += client.await??;
    }
    Ok(f64::from(total) / SECONDS as f64)
}
