//! Chance with a seed, so that what was found once is found again.

/// SplitMix64.
pub struct Random(pub u64);

impl Random {
    /// One that differs in each run; its seed is told where something goes undetected.
    pub fn new() -> Self {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("a time after 1970");
        Self(u64::from(now.subsec_nanos()) ^ now.as_secs() << 30)
    }

    /// A number below a bound.
    pub fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) % bound as u64).expect("below a bound")
    }

    /// Changes one bit.
    pub fn flip(&mut self, bytes: &mut [u8]) {
        let (at, bit) = (self.below(bytes.len()), self.below(8));
        bytes[at] ^= 1 << bit;
    }
}

impl Default for Random {
    fn default() -> Self {
        Self::new()
    }
}
