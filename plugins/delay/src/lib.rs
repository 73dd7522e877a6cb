//! Default policy for compensation of delays.
