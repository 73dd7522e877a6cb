//! Processor time by thread, as the operating system accounts for it: what a decision costs on a machine that others use too.

use std::collections::BTreeMap;
use std::fs;

/// Processor time used so far by each group of threads, in nanoseconds. Empty where the system does not tell.
#[derive(Clone, Debug, Default)]
pub(super) struct Processor(BTreeMap<String, u64>);

impl Processor {
    /// Every thread of this process, by name without its number.
    pub(super) fn now() -> Self {
        let mut times = BTreeMap::new();
        for task in fs::read_dir("/proc/self/task").into_iter().flatten().flatten() {
            // A thread that ends in between has no files any more.
            let read = |name: &str| fs::read_to_string(task.path().join(name)).unwrap_or_default();
            let name = read("comm").trim().trim_end_matches(|digit: char| digit.is_ascii_digit() || digit == '-').to_owned();
            let used: u64 = read("schedstat").split_whitespace().next().and_then(|nanos| nanos.parse().ok()).unwrap_or(0);
            *times.entry(name).or_insert(0) += used;
        }
        Self(times)
    }

    /// Microseconds of each group of threads since `self`, for each of `count` things done, the busiest first; less than a
    /// tenth of a microsecond is left out.
    pub(super) fn micros_each(&self, count: usize) -> Vec<(String, f64)> {
        let now = Self::now().0;
        let since = |name: &String| self.0.get(name).copied().unwrap_or(0);
        let each = |nanos: u64| nanos as f64 / 1e3 / count.max(1) as f64;
        let mut times: Vec<(String, f64)> = now
            .iter()
            .map(|(name, used)| (name.clone(), each(used.saturating_sub(since(name)))))
            .filter(|(_, micros)| *micros >= 0.1)
            .collect();
        times.sort_by(|(_, one), (_, other)| other.total_cmp(one));
        times
    }
}

/// Microseconds of processor time that this process has used so far, those of threads that ended included; none where the system
/// does not tell. A tick is 10 ms.
pub(super) fn process_micros() -> Option<u64> {
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    // The name before it may hold spaces and brackets; user and system time are the 14th and 15th of all.
    let times = stat.rsplit_once(')')?.1.split_whitespace().skip(11).take(2);
    Some(times.map_while(|ticks| ticks.parse::<u64>().ok()).sum::<u64>() * 10_000)
}
