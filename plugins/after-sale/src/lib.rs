//! Default policy for refunds, returns, exchanges and repairs.
