//! Work that may wait stands behind what somebody waits for, in the operating system's eyes.

use thread_priority::{ThreadPriority, ThreadPriorityValue, set_current_thread_priority};

/// Of 0 to 99: a niceness of about 10, a tenth of the weight of other threads where they want the processor too.
const BEHIND: u8 = 25;

/// Puts the calling thread behind others, with the threads and processes that it starts from now on. Where the system does not let it, it works all
/// the same.
pub fn behind_others() {
    let priority = ThreadPriorityValue::try_from(BEHIND).map(ThreadPriority::Crossplatform);
    if let Ok(Err(error)) = priority.map(set_current_thread_priority) {
        tracing::debug!(?error, "a thread keeps its priority");
    }
}
