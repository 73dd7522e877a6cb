//! A deliberately hungry policy: it takes, extends, shortens and frees blocks of memory in an order that looks like chance, and then
//! checks that every block it still holds has what was written to it.

use ombud_sdk::delay::{DelayCase, DelayRuling, Outcome};
use ombud_sdk::{Citation, Context, DelayPolicy, ErrorCode, Notes, PolicyError, Reason, Severity};

ombud_sdk::settings! {
    /// How hungry it is.
    pub struct Settings {
        /// Steps; each takes, extends, shortens or frees one block.
        pub steps: u32 = 1_000, 0..=1_000_000, "steps";
        /// The largest block taken.
        pub block_bytes: u32 = 200, 1..=10_000_000, "B";
        /// Whether blocks are freed and shortened as well.
        pub frees: bool = true;
    }
}

struct Hungry;

/// A block, every byte of which is `tag`.
struct Block {
    tag: u8,
    bytes: Vec<u8>,
}

/// A linear congruential generator: the same steps every time.
struct Chance(u32);

impl Chance {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (self.0 >> 8) as usize % bound.max(1)
    }
}

fn step(chance: &mut Chance, held: &mut Vec<Block>, tag: u8, settings: &Settings) {
    let bytes = 1 + chance.below(settings.block_bytes as usize);
    let at = chance.below(held.len());
    let dice = chance.below(6);
    match (dice, held.len()) {
        (0, 1..) if settings.frees => drop(held.swap_remove(at)),
        (1, 1..) if settings.frees => {
            if let Some(block) = held.get_mut(at) {
                block.bytes.truncate(bytes.min(block.bytes.len()));
                block.bytes.shrink_to_fit();
            }
        }
        (2, 1..) => {
            if let Some(block) = held.get_mut(at) {
                block.bytes.resize(block.bytes.len() + bytes, block.tag);
            }
        }
        (3, 1..) => {
            if let Some(block) = held.last_mut() {
                block.bytes.resize(block.bytes.len() + bytes, block.tag);
            }
        }
        // Zeros come from the allocator, whatever the memory held before.
        (4, _) => held.push(Block { tag: 0, bytes: vec![0; bytes] }),
        _ => held.push(Block { tag, bytes: vec![tag; bytes] }),
    }
}

impl DelayPolicy for Hungry {
    type Settings = Settings;

    fn decide(settings: &Settings, _ctx: &Context, facts: &DelayCase) -> Result<DelayRuling, PolicyError> {
        let (mut chance, mut held) = (Chance(1), Vec::new());
        for number in 0..settings.steps {
            step(&mut chance, &mut held, number.to_le_bytes()[0], settings);
        }
        if let Some(at) = held.iter().position(|block| block.bytes.iter().any(|byte| *byte != block.tag)) {
            let detail = format!("block {at} of {} has other bytes than were written", held.len());
            return Err(PolicyError { code: ErrorCode::Internal, path: String::new(), detail });
        }
        let reason = Reason {
            rule: "HUNGRY-1".into(),
            severity: Severity::Info,
            facts: Vec::new(),
            citations: vec![Citation { source: "test".into(), locator: format!("{} blocks", held.len()) }],
        };
        Ok(DelayRuling {
            outcome: Outcome::None,
            processing_order: facts.episodes.iter().map(|episode| episode.episode_id.clone()).collect(),
            awards: Vec::new(),
            total_cash: 0,
            total_coupon: 0,
            total_refund_due: 0,
            notes: Notes { reasons: vec![reason], ..Notes::empty() },
        })
    }
}

ombud_sdk::delay_policy!(Hungry);
