//! Work that is finished even if nobody waits for its answer any more.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::runtime::Handle;

/// Runs a future within its request as long as the request lives, and on its own from then on.
///
/// A client that hangs up and a request that times out drop the handler's future. A decision must not be dropped half way:
/// its lock on the order would be free before its record is durable. Moving it to a task of its own from the start would cost
/// every request a wake-up across threads; this costs one only where it is needed.
pub fn finish<F>(work: F) -> Finish<F>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    Finish(Some(Box::pin(work)))
}

/// See [`finish`].
#[must_use = "futures do nothing unless polled"]
pub struct Finish<F>(Option<Pin<Box<F>>>)
where
    F: Future + Send + 'static,
    F::Output: Send + 'static;

impl<F> Future for Finish<F>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        // Taken out while it runs: a future that panicked must not be run again.
        let Some(mut work) = self.0.take() else { return Poll::Pending };
        let polled = work.as_mut().poll(context);
        if polled.is_pending() {
            self.0 = Some(work);
        }
        let output = ready!(polled);
        Poll::Ready(output)
    }
}

impl<F> Drop for Finish<F>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    fn drop(&mut self) {
        // Without a runtime the process is on its way out, and nothing can be finished.
        if let Some(work) = self.0.take()
            && let Ok(runtime) = Handle::try_current()
        {
            runtime.spawn(work);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::time::Duration;

    use super::finish;

    #[tokio::test]
    async fn work_that_was_begun_is_finished_after_its_request_is_gone() {
        let done = Arc::new(AtomicBool::new(false));
        let flag = done.clone();
        let work = finish(async move {
            tokio::time::sleep(Duration::from_millis(100)).await;
            flag.store(true, Ordering::SeqCst);
        });
        assert!(tokio::time::timeout(Duration::from_millis(10), work).await.is_err());
        assert!(!done.load(Ordering::SeqCst));
        while !done.load(Ordering::SeqCst) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    #[tokio::test]
    async fn the_output_is_the_works() {
        assert_eq!(finish(async { 7 }).await, 7);
    }
}
