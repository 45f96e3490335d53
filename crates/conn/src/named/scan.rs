//! Finding the parameters of a statement, by the lexical rules of PostgreSQL (its `scan.l`).

/// What a backslash is in `'…'`: the setting `standard_conforming_strings`. In `E'…'` it always escapes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Backslash {
    /// A character like any other (`on`).
    Plain,
    /// It takes the next character with it (`off`).
    Escapes,
}

/// A parameter in a statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Placeholder<'q> {
    /// `:name`.
    Name {
        /// Without the colon.
        name: &'q str,
        /// Where the colon is.
        start: usize,
    },
    /// `$1`.
    Number(&'q str),
}

/// The parameters of a statement, from its beginning to its end.
pub(crate) struct Placeholders<'q> {
    sql: &'q str,
    /// Between two characters, or amid one that a string holds.
    at: usize,
    backslash: Backslash,
    /// What stands directly before is of a kind that a colon behind it does not begin a parameter.
    adjoins: bool,
}

impl<'q> Placeholders<'q> {
    pub(crate) fn of(sql: &'q str, backslash: Backslash) -> Self {
        Self {
            sql,
            at: 0,
            backslash,
            adjoins: false,
        }
    }

    /// Goes over one thing, and tells if it is a parameter. Whatever is not closed goes to the end.
    fn step(&mut self, first: u8) -> Option<Placeholder<'q>> {
        let second = self.peek(1);
        let adjoined = std::mem::replace(&mut self.adjoins, true);
        match first {
            b'\'' => self.string(self.backslash),
            b'"' => self.quoted(b'"'),
            b'$' => return self.dollar(second),
            b':' => match second {
                Some(b':') => self.at += 2,
                Some(b'=') => self.operator(2),
                Some(c) if is_word_start(c) && !adjoined => return Some(self.name()),
                _ => self.at += 1,
            },
            b'-' if second == Some(b'-') => self.line_comment(),
            b'/' if second == Some(b'*') => self.block_comment(),
            b')' | b']' => self.at += 1,
            c if c.is_ascii_digit() => self.numeral(),
            c if is_word_start(c) => self.word(),
            _ => self.operator(1),
        }
        None
    }

    /// The next thing that is neither white space nor a comment: a word, a string, a parameter, one character of anything else.
    pub(crate) fn thing(&mut self) -> Option<&'q str> {
        loop {
            let (start, first, second) = (self.at, self.peek(0)?, self.peek(1));
            self.step(first);
            let is_comment = matches!((first, second), (b'-', Some(b'-')) | (b'/', Some(b'*')));
            if !is_space(first) && !is_comment {
                return Some(self.sql.get(start..self.at).unwrap_or_default());
            }
        }
    }

    fn name(&mut self) -> Placeholder<'q> {
        let start = self.at;
        self.at += 1;
        let name = self.take_while(is_word);
        Placeholder::Name { name, start }
    }

    /// A parameter by number, the whole of a `$tag$…$tag$`, or nothing but a dollar.
    fn dollar(&mut self, second: Option<u8>) -> Option<Placeholder<'q>> {
        let start = self.at;
        self.at += 1;
        if second.is_some_and(|c| c.is_ascii_digit()) {
            self.take_while(|c| c.is_ascii_digit());
            return self.sql.get(start..self.at).map(Placeholder::Number);
        }
        let behind_dollar = self.at;
        if second.is_some_and(is_word_start) {
            self.take_while(|c| is_word(c) && c != b'$');
        }
        if self.peek(0) != Some(b'$') {
            self.at = behind_dollar;
            return None;
        }
        self.at += 1;
        let tag = self.sql.get(start..self.at).unwrap_or_default();
        let rest = self.sql.get(self.at..).unwrap_or_default();
        match rest.find(tag) {
            Some(end) => self.at += end + tag.len(),
            None => self.at = self.sql.len(),
        }
        None
    }

    /// A number; letters directly behind it belong to it, and what else a name may hold behind these.
    fn numeral(&mut self) {
        self.take_while(|c| c.is_ascii_digit() || c == b'.');
        if self.peek(0).is_some_and(is_word_start) {
            self.take_while(is_word);
        }
    }

    /// A keyword or a name; or what stands in front of a string and says how it is read.
    fn word(&mut self) {
        let word = self.take_while(is_word);
        if self.peek(0) == Some(b'\'') {
            match word {
                "e" | "E" => self.string(Backslash::Escapes),
                "b" | "B" | "x" | "X" => self.string(Backslash::Plain),
                _ => {}
            }
        }
    }

    fn string(&mut self, backslash: Backslash) {
        match backslash {
            Backslash::Plain => self.quoted(b'\''),
            Backslash::Escapes => loop {
                self.escaped();
                if !self.continues() {
                    return;
                }
            },
        }
    }

    /// What is quoted by a character that is doubled where it stands for itself. Two of them in a row end one string and begin
    /// another: it comes to the same.
    fn quoted(&mut self, quote: u8) {
        self.at += 1;
        self.take_while(|c| c != quote);
        self.at += 1;
    }

    fn escaped(&mut self) {
        self.at += 1;
        loop {
            self.take_while(|c| c != b'\'' && c != b'\\');
            match self.peek(0) {
                Some(b'\\') => self.at += 2,
                Some(_) => {
                    self.at += 1;
                    return;
                }
                None => return,
            }
        }
    }

    /// Whether the string that has ended goes on, and by the same rules: at once (that was a quote in it), or behind white space with
    /// a line end, where comments may be.
    fn continues(&mut self) -> bool {
        let end = self.at;
        let mut line_ends = 0;
        loop {
            match self.peek(0) {
                Some(c) if is_space(c) => {
                    line_ends += usize::from(is_line_end(c));
                    self.at += 1;
                }
                Some(b'-') if self.peek(1) == Some(b'-') => {
                    self.take_while(|c| !is_line_end(c));
                }
                Some(b'\'') if self.at == end || line_ends > 0 => return true,
                _ => break,
            }
        }
        self.at = end;
        false
    }

    fn line_comment(&mut self) {
        self.adjoins = false;
        self.take_while(|c| !is_line_end(c));
    }

    /// They nest.
    fn block_comment(&mut self) {
        self.adjoins = false;
        let mut depth = 0_usize;
        loop {
            match (self.peek(0), self.peek(1)) {
                (Some(b'/'), Some(b'*')) => {
                    depth += 1;
                    self.at += 2;
                }
                (Some(b'*'), Some(b'/')) => {
                    depth -= 1;
                    self.at += 2;
                    if depth == 0 {
                        return;
                    }
                }
                (Some(_), _) => self.at += 1,
                (None, _) => return,
            }
        }
    }

    /// White space, an operator or a part of one, an opening bracket, a comma: a parameter may follow.
    fn operator(&mut self, length: usize) {
        self.adjoins = false;
        self.at += length;
    }

    fn peek(&self, ahead: usize) -> Option<u8> {
        self.sql.as_bytes().get(self.at + ahead).copied()
    }

    fn take_while(&mut self, belongs: impl Fn(u8) -> bool) -> &'q str {
        let rest = self.sql.as_bytes().get(self.at..).unwrap_or_default();
        let length = rest.iter().position(|c| !belongs(*c));
        let start = self.at;
        self.at += length.unwrap_or(rest.len());
        self.sql.get(start..self.at).unwrap_or_default()
    }
}

impl<'q> Iterator for Placeholders<'q> {
    type Item = Placeholder<'q>;

    fn next(&mut self) -> Option<Placeholder<'q>> {
        while let Some(first) = self.peek(0) {
            if let Some(placeholder) = self.step(first) {
                return Some(placeholder);
            }
        }
        None
    }
}

/// A letter, by the server's rule: whatever is not ASCII is one.
fn is_word_start(c: u8) -> bool {
    c.is_ascii_alphabetic() || c == b'_' || !c.is_ascii()
}

fn is_word(c: u8) -> bool {
    is_word_start(c) || c.is_ascii_digit() || c == b'$'
}

fn is_space(c: u8) -> bool {
    matches!(c, b' ' | b'\t' | b'\n' | b'\r' | 0x0b | 0x0c)
}

fn is_line_end(c: u8) -> bool {
    matches!(c, b'\n' | b'\r')
}
