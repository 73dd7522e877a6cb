//! Default policy for the approval chain of blacklist requests.
