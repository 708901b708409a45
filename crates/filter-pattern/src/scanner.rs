//! A pattern, character by character.

use crate::Wrong;

/// A place in a pattern.
pub(crate) struct Scanner {
    text: Vec<char>,
    at: usize,
}

impl Scanner {
    pub(crate) fn of(text: &str) -> Self {
        Self { text: text.chars().collect(), at: 0 }
    }

    /// The place of the first character that is one too many.
    pub(crate) fn past(&self, longest: usize) -> Option<usize> {
        (self.text.len() > longest).then_some(longest + 1)
    }

    /// The place, for [`wrong_at`](Self::wrong_at).
    pub(crate) fn place(&self) -> usize {
        self.at
    }

    pub(crate) fn peek(&self) -> Option<char> {
        self.text.get(self.at).copied()
    }

    pub(crate) fn next(&mut self) -> Option<char> {
        let next = self.peek()?;
        self.at += 1;
        Some(next)
    }

    /// Goes past a text if it is here.
    pub(crate) fn takes(&mut self, text: &str) -> bool {
        let is_here = text.chars().eq(self.text[self.at..].iter().copied().take(text.chars().count()));
        if is_here {
            self.at += text.chars().count();
        }
        is_here
    }

    /// Goes past a word if it is here, with nothing of a word after it.
    pub(crate) fn takes_word(&mut self, word: &str) -> bool {
        let before = self.at;
        if self.takes(word) && !self.peek().is_some_and(is_word) {
            return true;
        }
        self.at = before;
        false
    }

    pub(crate) fn skip_blanks(&mut self) -> bool {
        let before = self.at;
        while self.peek().is_some_and(char::is_whitespace) {
            self.at += 1;
        }
        self.at > before
    }

    /// Everything up to the first character that does not belong to it.
    pub(crate) fn run(&mut self, belongs: impl Fn(char) -> bool) -> String {
        let from = self.at;
        while self.peek().is_some_and(&belongs) {
            self.at += 1;
        }
        self.text[from..self.at].iter().collect()
    }

    /// What is between two quotation marks, of which the first one is here. A backslash stands before a quotation mark, or before
    /// another backslash, that is meant.
    pub(crate) fn quoted(&mut self) -> Result<String, Wrong> {
        let from = self.at;
        self.at += 1;
        let mut text = String::new();
        loop {
            match self.next() {
                Some('"') => return Ok(text),
                Some('\\') => match self.next() {
                    Some(escaped @ ('"' | '\\')) => text.push(escaped),
                    Some(_) => {
                        return Err(
                            self.wrong_at(self.at - 2, "write a backslash between quotation marks as `\\\\`")
                        );
                    }
                    None => break,
                },
                Some(other) => text.push(other),
                None => break,
            }
        }
        Err(self.wrong_at(from, "this quotation mark is not closed"))
    }

    /// The error about what is here, which cannot stand here, or about the end.
    pub(crate) fn wrong(&self, reason: &str) -> Wrong {
        Wrong { position: self.at + 1, reason: reason.to_owned(), character: self.peek() }
    }

    /// The error about a place.
    pub(crate) fn wrong_at(&self, place: usize, reason: impl Into<String>) -> Wrong {
        Wrong { position: place + 1, reason: reason.into(), character: None }
    }

    /// The error about what is here and has to be quoted, or where the pattern ends too early.
    pub(crate) fn unexpected(&self, wanted: &str) -> Wrong {
        match self.peek() {
            None => self.wrong(&format!("the pattern ends where {wanted} should be")),
            Some(other) => self.wrong(&format!("`{other}` stands where {wanted} should be")),
        }
    }
}

/// "Terms that include characters other than alphanumeric or underscore must be placed inside double quotes."
pub(crate) fn is_word(character: char) -> bool {
    character.is_ascii_alphanumeric() || character == '_'
}
