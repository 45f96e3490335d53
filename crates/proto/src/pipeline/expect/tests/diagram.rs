//! `docs/states.md`: the table as diagrams. Whatever the table says is drawn; a new state or message needs no change here.

extern crate std;

use alloc::format;
use alloc::string::{String, ToString as _};
use core::fmt::Write as _;

use super::*;

const PATH: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/states.md");

/// Set to anything, it has the page written anew.
const UPDATE: &str = "UPDATE_STATES";

const HEAD: &str = "\
# The states of an open connection

<!-- Generated from crates/proto/src/pipeline/expect.rs by `just states`: UPDATE_STATES=1 cargo test --package purepg-proto --lib diagram -->

Once a connection is open, its state is the queue of what the server still owes, oldest first. Each message of the server meets the front of that
queue, and one table says what becomes of it. This page is that table, drawn: what is not here must not come, and ends the connection.

Arrows are messages of the server, or of ours where that is said. They lead to states, or to one of these:

* **answered**: this is paid. Whatever stands behind it in the queue is owed now, or nothing.
* **skipping**: the operation has failed. The server ignores everything up to the next `Sync`, so nothing is owed before that one.
* **over**: the session has ended.

The way in — TLS, authentication, and what a server says before it is ready for the first time — is not drawn: there each state is a struct with data of
its own, whose handler decides by that data as well as by the message (`crates/proto/src/connection/phase`).
";

#[test]
fn the_page_shows_the_table() {
    let page = page();
    if std::env::var_os(UPDATE).is_some() {
        std::fs::write(PATH, &page).unwrap();
    }
    let written = std::fs::read_to_string(PATH).unwrap_or_default();
    assert!(
        written == page,
        "docs/states.md is not what the table says: `just states` writes it anew"
    );
}

fn page() -> String {
    let mut page = HEAD.to_string();
    page.push_str("\n## At any moment\n\n| message | what it does |\n| --- | --- |\n");
    for tag in Tag::ALL {
        match always(tag) {
            Some(Step::End) => writeln!(page, "| {} | the session is over |", name(tag)).unwrap(),
            Some(_) => writeln!(page, "| {} | the state stays |", name(tag)).unwrap(),
            None => {}
        }
    }
    page.push_str("\n## What each state is\n\n| state | what is owed |\n| --- | --- |\n");
    for expect in ALL {
        writeln!(page, "| {} | {} |", expect.name(), meaning(expect)).unwrap();
    }
    let groups = groups();
    let (alone, together): (Vec<_>, Vec<_>) =
        groups.into_iter().partition(|group| group.len() == 1);
    page.push_str("\n## States that one message ends\n\n");
    draw(&mut page, &alone.concat());
    for group in together {
        let title = group.first().unwrap().name();
        write!(page, "\n## {title}, and what becomes of it\n\n").unwrap();
        draw(&mut page, &group);
    }
    page
}

/// What a message does in all states alike.
fn always(tag: Tag) -> Option<Step> {
    let first = step(ALL[0], tag)?;
    ALL.iter()
        .all(|&expect| step(expect, tag) == Some(first))
        .then_some(first)
}

/// As the protocol's manual calls it.
fn name(tag: Tag) -> String {
    match tag {
        Tag::Error => "ErrorResponse".to_string(),
        Tag::Fatal => "ErrorResponse that is fatal".to_string(),
        Tag::Notice => "NoticeResponse".to_string(),
        Tag::Notification => "NotificationResponse".to_string(),
        other => format!("{other:?}"),
    }
}

/// The comment at the state's definition.
fn meaning(expect: Expect) -> String {
    let mut comment = String::new();
    let lines = include_str!("../../expect.rs").lines().map(str::trim);
    for line in lines.skip_while(|line| !line.ends_with("enum Expect {")) {
        if let Some(text) = line.strip_prefix("///") {
            comment.push_str(text);
        } else if line.trim_end_matches(',') == format!("{expect:?}") {
            break;
        } else {
            comment.clear();
        }
    }
    let text = comment.trim().trim_end_matches('.').to_string();
    assert!(!text.is_empty(), "{expect:?} has no comment");
    text
}

/// The states that become one another, each group in the order of the table.
fn groups() -> Vec<Vec<Expect>> {
    let mut groups: Vec<Vec<Expect>> = ALL.iter().map(|&expect| Vec::from([expect])).collect();
    for from in ALL {
        for (to, _) in arrows(from) {
            let Target::State(to) = to else { continue };
            let find = |wanted| groups.iter().position(|group| group.contains(&wanted));
            let (a, b) = (find(from).unwrap(), find(to).expect("ALL holds it"));
            if a != b {
                let moved = groups.remove(a.max(b));
                groups[a.min(b)].extend(moved);
            }
        }
    }
    for group in &mut groups {
        group.sort_by_key(|expect| ALL.iter().position(|other| other == expect));
    }
    groups
}

#[derive(Clone, Copy, PartialEq)]
enum Target {
    State(Expect),
    Answered,
    Skipping,
    Over,
}

impl Target {
    fn id(self) -> &'static str {
        match self {
            Self::State(expect) => expect.name(),
            Self::Answered => "answered",
            Self::Skipping => "skipping",
            Self::Over => "over",
        }
    }
}

/// Where a state leads, and by which messages, those left out that do the same everywhere.
fn arrows(from: Expect) -> Vec<(Target, Vec<String>)> {
    let mut arrows: Vec<(Target, Vec<String>)> = Vec::new();
    let ours = [(from.sent_all(), "CopyDone"), (from.gave_up(), "CopyFail")];
    for (to, message) in ours {
        if let Some(to) = to {
            arrows.push((Target::State(to), Vec::from([format!("our {message}")])));
        }
    }
    for tag in Tag::ALL.into_iter().filter(|&tag| always(tag).is_none()) {
        let Some(step) = step(from, tag) else {
            continue;
        };
        let to = match step {
            Step::Stay => Target::State(from),
            Step::Become(next) => Target::State(next),
            Step::Done => Target::Answered,
            Step::Skip => Target::Skipping,
            Step::End => Target::Over,
        };
        match arrows.iter_mut().find(|(known, _)| *known == to) {
            Some((_, messages)) => messages.push(name(tag)),
            None => arrows.push((to, Vec::from([name(tag)]))),
        }
    }
    arrows
}

/// An arrow that all states have alike, but for the one that it leads to.
fn shared(states: &[Expect]) -> Option<(Target, Vec<String>)> {
    let candidates = states.iter().flat_map(|&from| arrows(from));
    let mut everywhere = candidates.filter(|arrow| {
        let others = states
            .iter()
            .filter(|&&from| Target::State(from) != arrow.0);
        states.len() > 3 && others.clone().all(|&from| arrows(from).contains(arrow))
    });
    everywhere.next()
}

fn draw(page: &mut String, states: &[Expect]) {
    let shared = shared(states);
    if let Some((to, messages)) = &shared {
        let (messages, to) = (messages.join(" or "), to.id());
        let text = format!("Not drawn: {messages} leads from every other state here to {to}.");
        page.push_str(&text);
        page.push_str("\n\n");
    }
    page.push_str("```mermaid\nstateDiagram-v2\n");
    for &from in states {
        for arrow in arrows(from) {
            if shared.as_ref() != Some(&arrow) {
                let (to, messages) = arrow;
                let label = messages.join("<br>");
                writeln!(page, "    {} --> {} : {label}", from.name(), to.id()).unwrap();
            }
        }
    }
    page.push_str("```\n");
}
