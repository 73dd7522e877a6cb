//! Default policy for the compliance of drafted replies.
