//! Progress of long work: a bar on standard error, on a terminal only, and only once the work takes longer than a second.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::gate::{self, Told};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};

/// Work that takes less is not worth a bar.
const PATIENCE: Duration = Duration::from_secs(1);

/// A bar that may be moved from many threads.
pub(super) struct Progress {
    bar: ProgressBar,
    began: Instant,
    shown: AtomicBool,
}

impl Progress {
    /// A bar over `steps` steps; the noun says what is counted.
    pub(super) fn new(steps: u64, noun: &str) -> Self {
        let bar = ProgressBar::with_draw_target(Some(steps), ProgressDrawTarget::hidden());
        let template = format!("{{bar:40}} {{human_pos}} of {{human_len}} {noun}, {{rate}}, {{eta}} left");
        if let Ok(style) = ProgressStyle::with_template(&template) {
            let rate = |state: &ProgressState, out: &mut dyn std::fmt::Write| _ = write!(out, "{:.0}/s", state.per_sec());
            bar.set_style(style.with_key("rate", rate));
        }
        Self { bar, began: Instant::now(), shown: AtomicBool::new(false) }
    }

    /// A bar whose length comes with its first step.
    pub(super) fn unknown(noun: &str) -> Self {
        Self::new(0, noun)
    }

    /// One more of so many steps is done.
    pub(super) fn step_of(&self, steps: u64) {
        self.bar.set_length(steps);
        self.step();
    }

    /// Something that cannot be counted is under way.
    pub(super) fn waiting(what: &'static str) -> Self {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden()).with_message(what);
        let late = bar.clone();
        // The thread ends with the work: it looks once, after the time of patience.
        std::thread::spawn(move || {
            std::thread::sleep(PATIENCE);
            if !late.is_finished() {
                late.set_draw_target(ProgressDrawTarget::stderr());
                late.enable_steady_tick(Duration::from_millis(100));
            }
        });
        Self { bar, began: Instant::now(), shown: AtomicBool::new(true) }
    }

    /// One more step is done.
    pub(super) fn step(&self) {
        self.steps(1);
    }

    /// More is to be done than was known.
    pub(super) fn more(&self, steps: u64) {
        self.bar.inc_length(steps);
    }

    /// So many more steps are done.
    pub(super) fn steps(&self, steps: u64) {
        self.bar.inc(steps);
        if self.began.elapsed() > PATIENCE && !self.shown.swap(true, Ordering::Relaxed) {
            self.bar.set_draw_target(ProgressDrawTarget::stderr());
        }
    }

    /// How long it has taken so far.
    pub(super) fn elapsed(&self) -> Duration {
        self.began.elapsed()
    }
}

/// Progress of a policy through the gate: which step, and how far it is.
#[derive(Default)]
pub(super) struct Steps {
    step: String,
    bar: Option<Progress>,
}

impl Steps {
    /// Shows what the gate tells.
    pub(super) fn tell(&mut self, told: &Told<'_>) {
        match told {
            Told::Begins(step) => {
                self.step = (*step).to_owned();
                self.bar = (*step == gate::COMPILE).then(|| Progress::waiting("compiling the component"));
            }
            Told::Progress { done, of } => {
                let bar = self.bar.get_or_insert_with(|| Progress::new(*of as u64, &self.step));
                bar.bar.set_length(*of as u64);
                bar.steps((*done as u64).saturating_sub(bar.bar.position()));
            }
            Told::Done(_) => self.bar = None,
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
