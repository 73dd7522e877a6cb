//! Collects what is wrong with settings, each problem with the place it stands at.

/// What is wrong with settings and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// JSON pointer (RFC 6901) into the settings; empty for the whole.
    pub path: String,
    /// What is wrong, for the person who wrote the settings.
    pub message: String,
}

/// Knows where in the settings the reading is, and gathers the problems.
#[derive(Debug, Default)]
pub struct Reader {
    path: String,
    problems: Vec<Problem>,
}

impl Reader {
    /// At the whole settings, without a problem.
    pub fn new() -> Self {
        Self::default()
    }

    /// Goes to a property or item (by its index) of the place it is at, and back after `read`.
    pub fn at<R>(&mut self, name: &str, read: impl FnOnce(&mut Self) -> R) -> R {
        let before = self.path.len();
        self.push(name);
        let answer = read(self);
        self.path.truncate(before);
        answer
    }

    /// The value here is wrong.
    pub fn refuse(&mut self, message: &str) {
        self.problems.push(Problem { path: self.path.clone(), message: message.to_owned() });
    }

    /// The value of a property or item of the place it is at is wrong; for checks of a whole.
    pub fn refuse_at(&mut self, name: &str, message: &str) {
        self.at(name, |reader| reader.refuse(message));
    }

    /// How many problems were found so far.
    pub fn problem_count(&self) -> usize {
        self.problems.len()
    }

    /// Every problem, in the order found.
    pub fn into_problems(self) -> Vec<Problem> {
        self.problems
    }

    fn push(&mut self, name: &str) {
        self.path.push('/');
        for character in name.chars() {
            match character {
                '~' => self.path.push_str("~0"),
                '/' => self.path.push_str("~1"),
                other => self.path.push(other),
            }
        }
    }
}
