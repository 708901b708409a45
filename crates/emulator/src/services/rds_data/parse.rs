//! Reads statements. What is not understood is refused as PostgreSQL refuses what it does not support.

use std::collections::BTreeMap;

use super::sql::{Attribute, Column, Granted, On, Statement, error};
use crate::protocol::response::{Refusal, ensure};

/// Reads one statement; `parameters` stand for `:name` in a query.
pub(super) fn statement(sql: &str, parameters: &BTreeMap<String, String>) -> Result<Statement, Refusal> {
    let mut parser = Parser { tokens: tokens(sql)?, at: 0, parameters };
    let statement = parser.statement()?;
    while parser.takes(&Token::Mark(';')) {}
    match parser.tokens.get(parser.at) {
        None => Ok(statement),
        // RDS Data API: "Multistatements aren't supported" for Aurora PostgreSQL.
        Some(_) => Err(error("42601", "Multistatements aren't supported.")),
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Token {
    /// An unquoted name or key word, in lower case as PostgreSQL folds it.
    Word(String),
    /// `"Name"`
    Quoted(String),
    /// `'text'`
    Text(String),
    /// `$tag$text$tag$`
    Dollar(String),
    /// `:name`
    Parameter(String),
    Mark(char),
}

fn tokens(sql: &str) -> Result<Vec<Token>, Refusal> {
    let mut tokens = Vec::new();
    let mut rest = sql.trim_start();
    while let Some(first) = rest.chars().next() {
        let (token, after) = match first {
            '"' => quoted(rest, '"').map(|(text, after)| (Token::Quoted(text), after))?,
            '\'' => quoted(rest, '\'').map(|(text, after)| (Token::Text(text), after))?,
            '$' => dollar(rest)?,
            ':' => {
                let (name, after) = word(&rest[1..]);
                (Token::Parameter(name.to_owned()), after)
            }
            '(' | ')' | ',' | ';' | '=' | '.' => (Token::Mark(first), &rest[1..]),
            first if first.is_ascii_alphabetic() || first == '_' => {
                let (name, after) = word(rest);
                (Token::Word(name.to_ascii_lowercase()), after)
            }
            other => return Err(not_understood(&other.to_string())),
        };
        tokens.push(token);
        rest = after.trim_start();
    }
    Ok(tokens)
}

fn word(text: &str) -> (&str, &str) {
    let is_part = |character: char| character.is_ascii_alphanumeric() || character == '_';
    text.split_at(text.find(|character| !is_part(character)).unwrap_or(text.len()))
}

/// A quoted text, in which the mark stands for itself if it is doubled.
fn quoted(text: &str, mark: char) -> Result<(String, &str), Refusal> {
    let mut out = String::new();
    let mut rest = &text[1..];
    loop {
        let end = rest.find(mark).ok_or_else(|| error("42601", "unterminated quoted text"))?;
        out.push_str(&rest[..end]);
        rest = &rest[end + 1..];
        match rest.strip_prefix(mark) {
            Some(after) => {
                out.push(mark);
                rest = after;
            }
            None => return Ok((out, rest)),
        }
    }
}

fn dollar(text: &str) -> Result<(Token, &str), Refusal> {
    let unterminated = || error("42601", "unterminated dollar-quoted text");
    let (name, after) = word(&text[1..]);
    let after = after.strip_prefix('$').ok_or_else(unterminated)?;
    let tag = format!("${name}$");
    let (body, after) = after.split_once(tag.as_str()).ok_or_else(unterminated)?;
    Ok((Token::Dollar(body.to_owned()), after))
}

fn not_understood(near: &str) -> Refusal {
    error("0A000", format!("the emulator does not understand this statement, at or near \"{near}\""))
}

struct Parser<'a> {
    tokens: Vec<Token>,
    at: usize,
    parameters: &'a BTreeMap<String, String>,
}

impl Parser<'_> {
    fn statement(&mut self) -> Result<Statement, Refusal> {
        let first = self.word()?;
        match first.as_str() {
            "create" => {
                self.expect("role")?;
                Ok(Statement::CreateRole { role: self.name()?, attributes: self.attributes()? })
            }
            "alter" => {
                self.expect("role")?;
                Ok(Statement::AlterRole { role: self.name()?, attributes: self.attributes()? })
            }
            "drop" => {
                self.expect("role")?;
                Ok(Statement::DropRole { role: self.name()? })
            }
            "comment" => {
                ["on", "role"].iter().try_for_each(|word| self.expect(word))?;
                let role = self.name()?;
                self.expect("is")?;
                let text = if self.takes_word("null") { None } else { Some(self.text()?) };
                Ok(Statement::CommentOnRole { role, text })
            }
            "grant" => self.grant(),
            "revoke" => self.revoke(),
            "set" => {
                self.expect("role")?;
                Ok(Statement::SetRole(Some(self.name()?)))
            }
            "reset" => {
                self.expect("role")?;
                Ok(Statement::SetRole(None))
            }
            "do" => self.block(),
            "select" => self.select(),
            other => Err(not_understood(other)),
        }
    }

    /// `GRANT … TO role [WITH ADMIN OPTION] [GRANTED BY role]`
    fn grant(&mut self) -> Result<Statement, Refusal> {
        let granted = self.granted()?;
        self.expect("to")?;
        let to = self.name()?;
        let with_option = self.takes_word("with");
        if with_option {
            self.option(&granted)?;
        }
        Ok(Statement::Grant { granted, to, with_option, by: self.grantor()? })
    }

    /// `REVOKE [ADMIN OPTION FOR] … FROM role [GRANTED BY role] [CASCADE | RESTRICT]`
    fn revoke(&mut self) -> Result<Statement, Refusal> {
        let is_word = |at: usize, word: &str| self.tokens.get(at) == Some(&Token::Word(word.to_owned()));
        let option_only = is_word(self.at + 1, "option") && is_word(self.at + 2, "for");
        let kind = self.at;
        self.at += if option_only { 3 } else { 0 };
        let granted = self.granted()?;
        if option_only {
            let after = std::mem::replace(&mut self.at, kind);
            self.option(&granted)?;
            self.at = after;
        }
        self.expect("from")?;
        let from = self.name()?;
        let by = self.grantor()?;
        let cascade = self.takes_word("cascade");
        if !cascade {
            self.takes_word("restrict");
        }
        Ok(Statement::Revoke { granted, from, option_only, by, cascade })
    }

    /// `ADMIN OPTION` of roles, `GRANT OPTION` of privileges.
    fn option(&mut self, granted: &Granted) -> Result<(), Refusal> {
        self.expect(match granted {
            Granted::Roles(_) => "admin",
            Granted::Privileges(..) => "grant",
        })?;
        self.expect("option")
    }

    fn grantor(&mut self) -> Result<Option<String>, Refusal> {
        if !self.takes_word("granted") {
            return Ok(None);
        }
        self.expect("by")?;
        self.name().map(Some)
    }

    /// `DO $tag$ BEGIN …; END $tag$`
    fn block(&mut self) -> Result<Statement, Refusal> {
        let Some(Token::Dollar(body)) = self.next() else { return Err(self.unexpected()) };
        let mut inner = Parser { tokens: tokens(&body)?, at: 0, parameters: self.parameters };
        inner.expect("begin")?;
        let mut statements = Vec::new();
        while !inner.takes_word("end") {
            statements.push(inner.statement()?);
            inner.expect_mark(';')?;
        }
        inner.takes(&Token::Mark(';'));
        match inner.next() {
            None => Ok(Statement::Block(statements)),
            Some(_) => Err(inner.unexpected()),
        }
    }

    /// `[WITH] LOGIN NOCREATEDB …`
    fn attributes(&mut self) -> Result<Vec<(Attribute, bool)>, Refusal> {
        self.takes_word("with");
        let mut attributes = Vec::new();
        while let Some(Token::Word(word)) = self.tokens.get(self.at).cloned() {
            let (name, on) = match word.strip_prefix("no") {
                Some(name) => (name.to_owned(), false),
                None => (word.clone(), true),
            };
            attributes.push(match name.as_str() {
                "superuser" | "replication" if on => {
                    // The master user is no superuser (Aurora User Guide, "The rds_superuser role").
                    return Err(error("42501", "permission denied to create or alter such a role"));
                }
                "login" => (Attribute::Login, on),
                "createdb" => (Attribute::CreateDb, on),
                "createrole" => (Attribute::CreateRole, on),
                "bypassrls" => (Attribute::BypassRls, on),
                _ => return Err(not_understood(&word)),
            });
            self.at += 1;
        }
        Ok(attributes)
    }

    /// `role, role` or `PRIVILEGE, PRIVILEGE ON DATABASE name`
    fn granted(&mut self) -> Result<Granted, Refusal> {
        let mut names = vec![self.name()?];
        while self.takes(&Token::Mark(',')) {
            names.push(self.name()?);
        }
        if !self.takes_word("on") {
            return Ok(Granted::Roles(names));
        }
        let privileges = names.into_iter().map(|name| name.to_ascii_uppercase()).collect();
        let on = match self.word()?.as_str() {
            "database" => On::Database(self.name()?),
            "schema" => On::Schema(self.name()?),
            other => return Err(not_understood(other)),
        };
        Ok(Granted::Privileges(privileges, on))
    }

    /// `SELECT … FROM pg_roles [WHERE rolname = …]`
    fn select(&mut self) -> Result<Statement, Refusal> {
        let mut columns = vec![self.column()?];
        while self.takes(&Token::Mark(',')) {
            columns.push(self.column()?);
        }
        self.expect("from")?;
        self.expect("pg_roles")?;
        let role = if self.takes_word("where") {
            self.expect("rolname")?;
            self.expect_mark('=')?;
            Some(self.text()?)
        } else {
            None
        };
        Ok(Statement::Select { columns, role })
    }

    fn column(&mut self) -> Result<Column, Refusal> {
        if self.takes(&Token::Mark('(')) {
            let column = self.granted_directly()?;
            self.expect_mark(')')?;
            return Ok(column);
        }
        let name = self.word()?;
        if !self.takes(&Token::Mark('(')) {
            return match name.as_str() {
                "rolname" => Ok(Column::Name),
                "rolcanlogin" => Ok(Column::Has(Attribute::Login)),
                "rolcreatedb" => Ok(Column::Has(Attribute::CreateDb)),
                "rolcreaterole" => Ok(Column::Has(Attribute::CreateRole)),
                "rolbypassrls" => Ok(Column::Has(Attribute::BypassRls)),
                other => Err(error("42703", format!("column \"{other}\" does not exist here"))),
            };
        }
        let of = self.word()?;
        self.expect_mark(',')?;
        let column = match (name.as_str(), of.as_str()) {
            ("shobj_description", "oid") => {
                self.expect_text("pg_authid")?;
                Column::Description
            }
            ("pg_has_role", "rolname") => {
                let role = self.text()?;
                self.expect_mark(',')?;
                self.expect_text("MEMBER")?;
                Column::MemberOf(role)
            }
            ("has_database_privilege" | "has_schema_privilege", "rolname") => {
                let object = self.text()?;
                self.expect_mark(',')?;
                let privilege = self.text()?.to_ascii_uppercase();
                let on = match name.as_str() {
                    "has_database_privilege" => On::Database(object),
                    _ => On::Schema(object),
                };
                Column::May(privilege, on)
            }
            _ => return Err(not_understood(&name)),
        };
        self.expect_mark(')')?;
        Ok(column)
    }

    /// The query in a query that gathers what a role itself was granted. Others about these tables are not understood.
    fn granted_directly(&mut self) -> Result<Column, Refusal> {
        self.expect_all("select cast(json_agg(json_build_array(")?;
        if !self.takes_word("privilege_type") {
            self.expect_all("pg_get_userbyid(roleid), pg_get_userbyid(grantor), admin_option)) as text)")?;
            self.expect_all("from pg_auth_members where member = pg_roles.oid")?;
            return Ok(Column::Memberships);
        }
        self.expect_all(", pg_get_userbyid(grantor), is_grantable)) as text) from")?;
        let on = match self.word()?.as_str() {
            "pg_database" => {
                self.expect_all(", aclexplode(datacl) where datname =")?;
                On::Database(self.text()?)
            }
            "pg_namespace" => {
                self.expect_all(", aclexplode(nspacl) where nspname =")?;
                On::Schema(self.text()?)
            }
            other => return Err(not_understood(other)),
        };
        self.expect_all("and grantee = pg_roles.oid")?;
        Ok(Column::Privileges(on))
    }

    /// All of these tokens.
    fn expect_all(&mut self, text: &str) -> Result<(), Refusal> {
        for token in tokens(text)? {
            ensure(self.takes(&token), || self.unexpected_next())?;
        }
        Ok(())
    }

    fn next(&mut self) -> Option<Token> {
        self.at += 1;
        self.tokens.get(self.at - 1).cloned()
    }

    fn takes(&mut self, token: &Token) -> bool {
        let is_next = self.tokens.get(self.at) == Some(token);
        self.at += usize::from(is_next);
        is_next
    }

    fn takes_word(&mut self, word: &str) -> bool {
        self.takes(&Token::Word(word.to_owned()))
    }

    fn expect(&mut self, word: &str) -> Result<(), Refusal> {
        ensure(self.takes_word(word), || self.unexpected_next())?;
        Ok(())
    }

    fn expect_mark(&mut self, mark: char) -> Result<(), Refusal> {
        ensure(self.takes(&Token::Mark(mark)), || self.unexpected_next())?;
        Ok(())
    }

    fn expect_text(&mut self, text: &str) -> Result<(), Refusal> {
        ensure(self.text()? == text, || self.unexpected())?;
        Ok(())
    }

    fn word(&mut self) -> Result<String, Refusal> {
        match self.next() {
            Some(Token::Word(word)) => Ok(word),
            _ => Err(self.unexpected()),
        }
    }

    /// The name of a role, a database or a schema.
    fn name(&mut self) -> Result<String, Refusal> {
        match self.next() {
            Some(Token::Word(name) | Token::Quoted(name)) => Ok(name),
            _ => Err(self.unexpected()),
        }
    }

    fn text(&mut self) -> Result<String, Refusal> {
        match self.next() {
            Some(Token::Text(text)) => Ok(text),
            Some(Token::Parameter(name)) => {
                let value = self.parameters.get(&name).cloned();
                let missing =
                    || Refusal::new("BadRequestException", format!("Cannot find parameter: {name}"));
                value.ok_or_else(missing)
            }
            _ => Err(self.unexpected()),
        }
    }

    /// The refusal of the token that was taken last.
    fn unexpected(&self) -> Refusal {
        match self.tokens.get(self.at.saturating_sub(1)) {
            Some(Token::Word(text) | Token::Quoted(text) | Token::Text(text) | Token::Parameter(text)) => {
                not_understood(text)
            }
            Some(Token::Mark(mark)) => not_understood(&mark.to_string()),
            Some(Token::Dollar(_)) => not_understood("$"),
            None => error("42601", "syntax error at end of input"),
        }
    }

    fn unexpected_next(&mut self) -> Refusal {
        self.at += 1;
        self.unexpected()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(sql: &str) -> Result<Statement, Refusal> {
        statement(sql, &BTreeMap::from([("user".to_owned(), "app".to_owned())]))
    }

    #[test]
    fn names_fold_to_lower_case_unless_they_are_quoted() {
        let role = |sql: &str| match read(sql) {
            Ok(Statement::DropRole { role }) => role,
            other => panic!("{other:?}"),
        };
        assert_eq!(role("drop role App"), "app");
        assert_eq!(role("DROP ROLE \"A \"\"p;p\";"), "A \"p;p");
    }

    #[test]
    fn a_block_is_its_statements_and_a_query_takes_parameters() {
        let block = read("DO $x$ BEGIN CREATE ROLE a LOGIN; COMMENT ON ROLE a IS 'it''s'; END $x$").unwrap();
        let attributes = vec![(Attribute::Login, true)];
        assert_eq!(
            block,
            Statement::Block(vec![
                Statement::CreateRole { role: "a".to_owned(), attributes },
                Statement::CommentOnRole { role: "a".to_owned(), text: Some("it's".to_owned()) },
            ])
        );
        let query = read("SELECT rolname FROM pg_roles WHERE rolname = :user").unwrap();
        let role = Some("app".to_owned());
        assert_eq!(query, Statement::Select { columns: vec![Column::Name], role });
    }

    #[test]
    fn a_grant_may_be_passed_on_and_is_somebodys() {
        let granted = || Granted::Roles(vec!["b".to_owned()]);
        let grant = read("GRANT b TO a WITH ADMIN OPTION GRANTED BY c").unwrap();
        let by = Some("c".to_owned());
        assert_eq!(
            grant,
            Statement::Grant { granted: granted(), to: "a".to_owned(), with_option: true, by: by.clone() }
        );
        let revoke = |option_only, by, cascade| Statement::Revoke {
            granted: granted(),
            from: "a".to_owned(),
            option_only,
            by,
            cascade,
        };
        assert_eq!(read("REVOKE b FROM a").unwrap(), revoke(false, None, false));
        assert_eq!(read("REVOKE b FROM a GRANTED BY c CASCADE").unwrap(), revoke(false, by, true));
        assert_eq!(read("REVOKE ADMIN OPTION FOR b FROM a RESTRICT").unwrap(), revoke(true, None, false));
    }

    #[test]
    fn what_is_not_understood_says_where() {
        for (sql, state) in [
            ("SELECT 1", "0A000"),
            ("INSERT INTO payments VALUES (1)", "0A000"),
            ("CREATE ROLE a LOGIN; DROP ROLE b", "42601"),
            ("CREATE ROLE a PASSWORD 'x'", "0A000"),
            ("CREATE ROLE a SUPERUSER", "42501"),
            ("COMMENT ON ROLE a IS 'x", "42601"),
            ("DO $$ BEGIN CREATE ROLE a END $$", "0A000"),
            ("GRANT rds_iam", "42601"),
            ("GRANT rds_iam TO a WITH GRANT OPTION", "0A000"),
            ("REVOKE ADMIN OPTION FOR CREATE ON SCHEMA public FROM a", "0A000"),
            ("REVOKE rds_iam FROM a GRANTED", "42601"),
        ] {
            let refused = read(sql).unwrap_err();
            assert!(refused.message.ends_with(&format!("SQLState: {state}")), "{sql}: {}", refused.message);
        }
    }
}
