//! How names of Rust become names of PostgreSQL.

type Case = fn(&str) -> String;

/// A way to write the words of a name.
#[derive(Clone, Copy)]
pub(crate) struct Rule {
    first: Case,
    others: Case,
    between: &'static str,
}

impl Rule {
    pub(crate) fn named(name: &str) -> Option<Self> {
        let (first, others, between): (Case, Case, _) = match name {
            "lowercase" => (lower, lower, ""),
            "UPPERCASE" => (upper, upper, ""),
            "snake_case" => (lower, lower, "_"),
            "SCREAMING_SNAKE_CASE" => (upper, upper, "_"),
            "kebab-case" => (lower, lower, "-"),
            "SCREAMING-KEBAB-CASE" => (upper, upper, "-"),
            "camelCase" => (lower, capital, ""),
            "PascalCase" => (capital, capital, ""),
            _ => return None,
        };
        Some(Self {
            first,
            others,
            between,
        })
    }

    pub(crate) fn apply(self, name: &str) -> String {
        let words = words(name);
        let mut written = String::new();
        for (place, word) in words.iter().enumerate() {
            if place == 0 {
                written.push_str(&(self.first)(word));
            } else {
                written.push_str(self.between);
                written.push_str(&(self.others)(word));
            }
        }
        written
    }
}

fn lower(word: &str) -> String {
    word.to_lowercase()
}

fn upper(word: &str) -> String {
    word.to_uppercase()
}

fn capital(word: &str) -> String {
    let mut chars = word.chars();
    let first = chars.next().map(char::to_uppercase);
    let first: String = first.into_iter().flatten().collect();
    first + &lower(chars.as_str())
}

/// A word begins behind an underscore, and with each capital that a small letter follows or precedes: `HttpURLs2go` is `Http UR Ls2go`.
fn words(name: &str) -> Vec<String> {
    let chars: Vec<char> = name.chars().collect();
    let mut words = vec![String::new()];
    let mut before = None;
    for (place, &c) in chars.iter().enumerate() {
        let next = chars.get(place.saturating_add(1));
        let begins = c.is_uppercase()
            && (before.is_some_and(|before: char| !before.is_uppercase())
                || next.is_some_and(|next| next.is_lowercase()));
        if (c == '_' || begins) && words.last().is_some_and(|word| !word.is_empty()) {
            words.push(String::new());
        }
        if let (Some(word), true) = (words.last_mut(), c != '_') {
            word.push(c);
        }
        before = Some(c);
    }
    words.retain(|word| !word.is_empty());
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule() {
        let names = [
            "SoSo",
            "a_field",
            "HTTPServer",
            "x",
            "Größe2",
            "A1b",
            "_under_",
        ];
        for (rule, expected) in [
            ("lowercase", "soso afield httpserver x größe2 a1b under"),
            ("UPPERCASE", "SOSO AFIELD HTTPSERVER X GRÖSSE2 A1B UNDER"),
            ("snake_case", "so_so a_field http_server x größe2 a1b under"),
            (
                "SCREAMING_SNAKE_CASE",
                "SO_SO A_FIELD HTTP_SERVER X GRÖSSE2 A1B UNDER",
            ),
            ("kebab-case", "so-so a-field http-server x größe2 a1b under"),
            (
                "SCREAMING-KEBAB-CASE",
                "SO-SO A-FIELD HTTP-SERVER X GRÖSSE2 A1B UNDER",
            ),
            ("camelCase", "soSo aField httpServer x größe2 a1b under"),
            ("PascalCase", "SoSo AField HttpServer X Größe2 A1b Under"),
        ] {
            let rule = Rule::named(rule).unwrap();
            let written: Vec<_> = names.iter().map(|name| rule.apply(name)).collect();
            assert_eq!(written.join(" "), expected);
        }
        assert!(Rule::named("Title Case").is_none());
    }
}
