//! Patterns of all three forms, and where wrong ones are wrong.

use filter_pattern::{LONGEST, Pattern, Terms, parse};
use proptest::prelude::*;

const TERMS: Pattern = Pattern::Terms(Terms { fit_everything: false, ignore_optional: false });

/// Examples of the user guide, and what users report that CloudWatch Logs has taken.
#[test]
fn what_the_guide_describes_is_a_pattern() {
    for terms in [
        "ERROR",
        "ERROR ARGUMENTS",
        "?ERROR ?ARGUMENTS",
        "ERROR -ARGUMENTS",
        "\"INTERNAL SERVER ERROR\"",
        "\"ERROR\" -\"Exiting\"",
        "?\"Error:\" ?\"denied\"",
        "  error_code  ",
        "\"a \\\"quoted\\\" word, a backslash \\\\ and \u{e9}\"",
        "%AUTHORIZED%",
        "%[Ee]rror|[Ff]ail%",
        "%\\d{1,3}\\.\\d{1,3}\\x28%",
        "%^[hc]at$%",
    ] {
        assert_eq!(parse(terms), Ok(TERMS), "{terms}");
    }
    for json in [
        "{ $.eventType = \"UpdateTrail\" }",
        "{$.foo = bar}",
        "{ $.sourceIPAddress != 123.123.* }",
        "{ $.arrayKey[0] = \"value\" }",
        "{ $.objectList[1].id = 2 }",
        "{ $.SomeObject IS NULL }",
        "{ $.SomeOtherObject NOT EXISTS }",
        "{ $.ThisFlag IS TRUE }",
        "{ $.detail-type = \"x\" }",
        "{ ($.user.id = 1) && ($.users[0].email = \"John.Doe@example.com\") }",
        "{ ($.user.id = 2 && $.users[0].email = \"nonmatch\") || $.actions[2] = \"GET\" }",
        "{ $.coordinates[0][1] = nonmatch&&$.actions[2] = nomatch }",
        "{ $.latency >= 500 }",
        "{ $.numbers[0] < 10e-3 }",
        "{ $.latency > +1000 }",
        "{ $.processes[4].averageRuntime <= 55.5 }",
        "{ $.eventType = %Trail% }",
        "{ $.objectList[*].flag = 1 }",
        "{ $.* = \"UpdateTrail\" }",
        "{ $.latency = * }",
    ] {
        assert_eq!(parse(json), Ok(Pattern::Json), "{json}");
    }
    for columns in [
        "[ip, user, username, timestamp, request, status_code, bytes > 1000]",
        "[..., status_code = 4*, bytes]",
        "[ip, user, ..., status_code = 4* && status_code != 403, bytes]",
        "[w1=ERROR || w1=%WARN%, w2]",
        "[..., request=*.html*, status_code=4*,]",
        "[a, \u{2026}, b = \"x y\"]",
    ] {
        assert_eq!(parse(columns), Ok(Pattern::Columns), "{columns}");
    }
}

#[test]
fn each_mistake_is_shown_with_its_place() {
    for (pattern, position, reason) in [
        // Reported as refused by CloudWatch Logs: `Invalid character(s) in term ':'`, and so on.
        ("?Status: timeout", 8, "`:` can only stand between quotation marks"),
        ("\"event\": \"x\"", 8, "`:` can only stand between quotation marks"),
        ("joined (reason", 8, "`(` can only stand between quotation marks"),
        ("`ERROR`", 1, "``` can only stand between quotation marks"),
        ("retrieved[", 10, "`[` can only stand between quotation marks"),
        ("{ $.message = \"a\", $.path = \"b\" }", 18, "not by a comma"),
        ("{ $.\"sc-status\" = 5* }", 5, "`\"` stands where a name of letters, digits, `-` and `_` should be"),
        ("{ status = 401 }", 3, "`s` stands where a property, such as `$.level`, should be"),
        ("{ $.eventType > \"UpdateTrail\" }", 17, "only a number can stand after `>`"),
        ("{ $.eventType <= UpdateTrail }", 18, "only a number can stand after `<=`"),
        ("{$.userIdentity.type = 'Root'}", 24, "`'` can only stand between quotation marks"),
        ("[a, status = 4* && bytes > 1000]", 20, "all about its own name, `status`"),
        // Not closed, or ended too early.
        ("\"fatal", 1, "this quotation mark is not closed"),
        ("a \"fatal\\\"", 3, "this quotation mark is not closed"),
        ("a \"fatal\\", 3, "this quotation mark is not closed"),
        ("{ $.level = ", 13, "the pattern ends where a value should be"),
        ("{ $.level = \"a\"", 1, "this brace is not closed"),
        ("{ ($.level = a }", 3, "this parenthesis is not closed"),
        ("{ $.level = a) }", 14, "there is no parenthesis that it closes"),
        ("{ $.level = a } b", 17, "the pattern has ended before it"),
        ("[a, b", 1, "this bracket is not closed"),
        ("[a, b] c", 8, "the pattern has ended before it"),
        ("%ERR", 1, "has no second `%`"),
        ("{ }", 3, "`}` stands where a property"),
        ("[]", 1, "there is no column"),
        // Signs and words that are none.
        ("ERROR - Exiting", 7, "a term must follow `-` at once"),
        ("ERROR ?", 7, "a term must follow `?` at once"),
        ("??ERROR", 2, "`?` can only stand between quotation marks"),
        ("\"a\"\"b\"", 4, "a blank must come before it"),
        ("\"\\d\"", 2, "write a backslash between quotation marks as `\\\\`"),
        ("{ $.a == 1 }", 7, "write `=`"),
        ("{ $.a =! 1 }", 7, "write `!=`"),
        ("{ $.a => 1 }", 7, "`=>` is no operator"),
        ("{ $.a = 1 & $.b = 2 }", 11, "conditions are joined by `&&`"),
        ("{ $.a = 1 | $.b = 2 }", 11, "conditions are joined by `||`"),
        ("{ $.a = 1 and $.b = 2 }", 11, "`a` stands where `&&`, `||` or `}` should be"),
        ("{ $.a is null }", 7, "in capital letters"),
        ("{ $.a IS SET }", 10, "NULL, TRUE or FALSE"),
        ("{ $.a EXISTS }", 7, "`NOT EXISTS`"),
        ("{ $[0] = 1 }", 4, "the name of a property"),
        ("{ $.a[x] = 1 }", 7, "a number or `*`"),
        ("{ $.a[*].b[*] = 1 }", 3, "a property has one `*` at most"),
        (
            "{ $.a[*] = 1 || $.b[*] = 1 || $.c[*] = 1 || $.d[*] = 1 }",
            45,
            "a pattern has at most 3 properties with `*`",
        ),
        ("{ $.a = us-east-1 }", 9, "`us-east-1` can only stand between quotation marks"),
        ("[a, ..., b, ...]", 13, "once only"),
        ("[a, b, a]", 8, "there is a column `a` already"),
        ("[a b]", 4, "`b` stands where `,` or `]` should be"),
        ("[a-b]", 3, "`-` stands where `,` or `]` should be"),
        // Regular expressions.
        ("%something!%", 11, "cannot have `!`"),
        ("%(a|b)%", 2, "cannot have `(`"),
        ("%a b%", 3, "write `\\s`"),
        ("%\u{e9}%", 2, "cannot have `\u{e9}`"),
        ("%[a%", 1, "`[a` is not a regular expression"),
        ("%*a%", 1, "`*a` is not a regular expression"),
        ("%a\\bc%", 4, "`\\b` means nothing"),
        ("%%", 1, "there is no regular expression"),
        ("%a% ERROR", 5, "a regular expression stands alone"),
        ("ERROR %a%", 7, "a regular expression stands alone"),
        ("{ $.a = %x% || $.b = %y% || $.c = %z% }", 35, "at most 2 regular expressions"),
        ("{ $.a > %x% }", 9, "only a number"),
    ] {
        let wrong = parse(pattern).expect_err(pattern);
        assert_eq!(wrong.position, position, "{pattern}: {wrong}");
        assert!(wrong.reason.contains(reason), "{pattern}: {wrong}");
    }
}

#[test]
fn what_fits_everything_and_what_is_ignored_is_known() {
    let terms = |pattern: &str| match parse(pattern).unwrap() {
        Pattern::Terms(terms) => (terms.fit_everything, terms.ignore_optional),
        other => panic!("{other:?}"),
    };
    for everything in ["", "  ", "\" \"", "\"\"", "?\" \" ?ERROR", "?\"\""] {
        assert_eq!(terms(everything), (true, false), "{everything}");
    }
    for something in ["ERROR", "ERROR \" \"", "-\" \"", "?ERROR ?FATAL", "-healthcheck"] {
        assert_eq!(terms(something), (false, false), "{something}");
    }
    for ignoring in ["?ERROR ?FATAL -healthcheck", "ERROR ?FATAL"] {
        assert_eq!(terms(ignoring), (false, true), "{ignoring}");
    }
}

#[test]
fn the_longest_pattern_is_the_longest_that_aws_takes() {
    assert!(parse(&"x".repeat(LONGEST)).is_ok());
    assert!(parse(&format!("\"{}\"", "\u{e9}".repeat(LONGEST - 2))).is_ok());
    assert_eq!(parse(&"x".repeat(LONGEST + 1)).unwrap_err().position, LONGEST + 1);
    let deep = format!("{{ {}$.a = 1{} }}", "(".repeat(500), ")".repeat(500));
    assert!(parse(&deep).unwrap_err().reason.contains("too many parentheses"));
}

proptest! {
    #[test]
    fn every_text_is_a_pattern_or_wrong_at_one_of_its_places(
        text in "[ \\[\\]{}()$.a1\"%\\\\?=!<>&|,*ISNULOTEX\u{e9}-]{0,24}"
    ) {
        if let Err(wrong) = parse(&text) {
            let length = text.chars().count();
            prop_assert!((1..=length + 1).contains(&wrong.position), "{text}: {wrong}");
            prop_assert_eq!(wrong.character.is_some_and(|one| text.chars().nth(wrong.position - 1) != Some(one)), false);
        }
    }
}
