//! How many decisions are committed per second on one core, with few and with many records present:
//! `cargo run --release -p ombud-store --example commit_speed -- DIRECTORY [RECORDS_PRESENT]`.

use std::path::Path;
use std::time::{Duration, Instant};

use ombud_core::ids::{DecisionId, EventKey, MerchantId};
use ombud_core::kind::Kind;
use ombud_core::money::{Intent, Payment};
use ombud_ledger::{Digest, leaf_hash};
use ombud_store::{
    AfterSaleRow, CaseState, Count, EntryKind, EventSeen, Group, LineHistory, Listing, MerchantRow, NewRecord, ReadLedger, SqliteStore,
    StoreError, Transactions, UsageOf,
};
use rand::{Rng, RngExt};

const MERCHANTS: usize = 20;
const CUSTOMERS: u32 = 200_000;
const HEADER_BYTES: usize = 640;
const SEALED_BYTES: usize = 2500;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let directory = arguments.next().ok_or("name an empty directory")?;
    let present: u64 = arguments.next().map_or(Ok(0), |count| count.parse())?;
    let (_store, mut writer) = SqliteStore::open(Path::new(&directory))?;
    let merchants: Vec<MerchantId> = (0..MERCHANTS).map(|number| MerchantId::new(format!("m_{number:03}"))).collect::<Result<_, _>>()?;
    writer.begin()?;
    for id in &merchants {
        writer.group().put_merchant(&MerchantRow { id: id.clone(), config: "{}".into(), created_at_ms: 0 })?;
    }
    writer.commit()?;

    // A second run goes on in the same directory.
    let mut number = 0;
    for merchant in &merchants {
        number += writer.log_size(merchant)?;
    }
    let mut made = Made { merchants, number, sealed: vec![0; SEALED_BYTES] };
    let start = Instant::now();
    while made.number < present {
        writer.begin()?;
        for _ in 0..1000 {
            made.decide(writer.group(), false)?;
        }
        writer.commit()?;
    }
    println!("{number} records present, {} more made in {:.1} s", made.number - number, start.elapsed().as_secs_f64());
    println!("{:>6} {:>8} {:>12} {:>14} {:>14} {:>12}", "group", "pays", "decisions/s", "on one core/s", "µs processor", "µs a group");
    for pays in [false, true] {
        for group in [1, 32, 64, 128, 256] {
            measure(&mut writer, &mut made, group, pays)?;
        }
    }
    Ok(())
}

fn measure(writer: &mut impl Transactions, made: &mut Made, group: u32, pays: bool) -> Result<(), StoreError> {
    let (start, processor) = (Instant::now(), processor_time());
    let (mut groups, mut decisions) = (0_u32, 0_u32);
    while start.elapsed() < Duration::from_secs(3) {
        writer.begin()?;
        for _ in 0..group {
            made.decide(writer.group(), pays)?;
        }
        writer.commit()?;
        groups += 1;
        decisions += group;
    }
    let (elapsed, processor) = (start.elapsed().as_secs_f64(), (processor_time() - processor).as_secs_f64());
    let decisions = f64::from(decisions);
    println!(
        "{group:>6} {pays:>8} {:>12.0} {:>14.0} {:>14.1} {:>12.0}",
        decisions / elapsed,
        decisions / processor,
        processor * 1e6 / decisions,
        elapsed * 1e6 / f64::from(groups)
    );
    Ok(())
}

/// Processor time of this process, from the operating system's accounts in hundredths of a second.
fn processor_time() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks = |at: usize| fields.get(at).and_then(|field| field.parse::<u64>().ok()).unwrap_or(0);
    Duration::from_millis((ticks(11) + ticks(12)) * 10)
}

struct Made {
    merchants: Vec<MerchantId>,
    number: u64,
    sealed: Vec<u8>,
}

impl Made {
    /// What the service does for one after-sale decision inside the group.
    fn decide(&mut self, group: &mut dyn Group, pays: bool) -> Result<(), StoreError> {
        self.number += 1;
        let number = self.number;
        let mut random = rand::rng();
        let merchant = &self.merchants[random.random_range(0..MERCHANTS)];
        // Platform ids grow with time, customers come at random.
        let customer = format!("c_{:06x}", random.random_range(0..CUSTOMERS));
        let (order, ticket) = (format!("69373326{number:011}"), format!("t{number:010}"));
        let after_sale_id = format!("70008931{number:011}");
        let Ok(event) = EventKey::new("/helpdesk/douyin", format!("dy-{after_sale_id}-6-1793988000")) else {
            return Err(StoreError::Closed);
        };
        if group.event(merchant, &event)?.is_some() {
            return Err(StoreError::Conflict("the event".into()));
        }
        let seq = group.log_size(merchant)?;
        let at_ms = 1_793_930_400_000 + i64::try_from(number).unwrap_or(0) * 50;
        let mut header = [0; HEADER_BYTES];
        random.fill_bytes(&mut header);
        if pays {
            let of = UsageOf { order: Some(&order), customer: Some(&customer), formerly: None, at_ms, day: 20_763 };
            group.usage(merchant, &of)?;
            group.intent(merchant, &after_sale_id, Payment::Refund)?;
            let intent = Intent { key: after_sale_id.clone(), payment: Payment::Refund, amount: 19_900, restates: false };
            group.pay_intent(merchant, &intent, seq)?;
            let count = Count { seq, order: &order, customer: Some(&customer), at_ms, day: 20_763, refund: 19_900, goodwill: 0 };
            group.count(merchant, &count)?;
        }
        let decision = DecisionId::derive(merchant, &event, Kind::AfterSale);
        let listing = Listing {
            entry: EntryKind::Decision,
            decision: Some(&decision),
            kind: Some("after-sale"),
            outcome: Some("approve-return-refund"),
            policy: Some("returns"),
            version: Some("1.4.2"),
            event_type: "aftersale.requested",
            ticket: Some(&ticket),
            customer: Some(&customer),
            order: Some(&order),
            event_at_ms: Some(at_ms),
            received_at_ms: at_ms,
        };
        group.append(&NewRecord { merchant, seq, header: &header, leaf: leaf_hash(&header), sealed: &self.sealed, listing })?;
        group.insert_event(merchant, &event, &EventSeen { body: Digest([7; 32]), first_seq: seq, records: 1 })?;
        group.put_after_sale_case(
            merchant,
            &AfterSaleRow {
                order,
                after_sale_id,
                customer: Some(customer),
                state: CaseState::Open,
                outcome: "approve-return-refund".into(),
                resolution: Some("return-refund".into()),
                attempts: 1,
                lines: vec![LineHistory { line_id: "L1".into(), qty: 1, refunded: 0, due: None, by_platform: 0, confirmed: 0, back: None }],
                freight_refunded: 0,
                approved: 19_900,
                compensation: 0,
                reason: Some("quality".into()),
                policy: Some("returns".into()),
                version: Some("1.4.2".into()),
                opened_at_ms: at_ms,
                updated_at_ms: at_ms,
                last_seq: seq,
            },
        )
    }
}
