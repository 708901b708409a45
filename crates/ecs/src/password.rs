//! Passwords in URLs, such as that of a database's connection string.
//!
//! A variable of the application is in the configuration, the state, the plan and the task definition. What is surely a password must
//! not get there, so a URL that has one is refused: before the host (RFC 3986, section 3.2.1, "user:password"), or as a parameter
//! of the query, where JDBC and libpq have it. What only stands for a password, such as `${DB_PASSWORD}`, is none.

/// Parameters of connection strings that are passwords (PostgreSQL manual, "Parameter Key Words"; JDBC drivers take the same).
const PARAMETERS: [&str; 3] = ["password", "passwd", "pwd"];

/// Whether a text has a URL with a password in it.
pub(crate) fn is_in(text: &str) -> bool {
    text.match_indices("://").any(|(at, separator)| {
        let has_scheme = text[..at].ends_with(|last: char| last.is_ascii_alphanumeric());
        let rest = &text[at + separator.len()..];
        let end = rest.find(|one: char| one.is_whitespace() || matches!(one, '"' | '\''));
        has_scheme && in_url(&rest[..end.unwrap_or(rest.len())])
    })
}

/// A URL without its scheme.
fn in_url(url: &str) -> bool {
    let authority = &url[..url.find(['/', '?', '#']).unwrap_or(url.len())];
    let user = authority.rsplit_once('@').map(|(user, _)| user);
    let before_host = user.and_then(|user| user.split_once(':')).map(|(_, password)| password);
    let query = url.split_once('?').map(|(_, query)| query.split('#').next().unwrap_or_default());
    let parameters = query.into_iter().flat_map(|query| query.split(['&', ';']));
    let in_query = parameters.filter_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        PARAMETERS.iter().any(|known| name.eq_ignore_ascii_case(known)).then_some(value)
    });
    before_host.into_iter().chain(in_query).any(|password| !password.is_empty() && !stands_for_one(password))
}

/// Whether it is a place for a password: `${NAME}`, `{{NAME}}`, `<password>`, or stars.
fn stands_for_one(text: &str) -> bool {
    let within = |open: &str, close: &str| text.starts_with(open) && text.ends_with(close);
    within("${", "}") || within("{", "}") || within("<", ">") || text.bytes().all(|byte| byte == b'*')
}

#[cfg(test)]
mod tests {
    use super::is_in;

    #[test]
    fn a_password_in_a_url_is_seen_wherever_it_stands() {
        for url in [
            "postgres://app:hunter2@db.example:5432/payments",
            "postgresql+psycopg://app:hunter2@db.example/payments?sslmode=require",
            "redis://:hunter2@cache.example:6379/0",
            "https://user:p%40ss@example.com",
            "amqps://app:pa@ss@mq.example",
            "jdbc:postgresql://db.example/payments?user=app&password=hunter2",
            "primary=postgres://db/x standby='postgres://app:hunter2@db2/x'",
        ] {
            assert!(is_in(url), "{url}");
        }
    }

    #[test]
    fn what_is_no_password_is_left_alone() {
        for text in [
            "",
            "info",
            "https://example.com/path?user=app",
            "https://example.com:8443/a:b@c",
            "postgres://app@db.example/payments",
            "postgres://app:@db.example/payments",
            "postgres://app:${DB_PASSWORD}@db.example/payments",
            "postgres://app:{{ password }}@db.example/payments",
            "postgres://app:<password>@db.example/payments",
            "postgres://app:*****@db.example/payments",
            "jdbc:postgresql://db.example/payments?password=${DB_PASSWORD}",
            "user:password@host",
            "://user:password@host",
        ] {
            assert!(!is_in(text), "{text}");
        }
    }
}
