//! The extended protocol: statements, portals, and their descriptions.

use super::session::{Portal, Prepared, Session};
use super::statement::{
    Statement, UNKNOWN_PARAMETER, describe_columns, encode_row, fails_behind_rows, rows,
};
use super::transaction::Fault;
use crate::backend;
use crate::frontend::Object;

impl Session {
    pub(super) fn parse(
        &mut self,
        name: String,
        sql: String,
        mut types: Vec<u32>,
    ) -> Result<(), Fault> {
        let statement = self.find(&sql)?;
        self.refuse_in_failed(&statement)?;
        if !name.is_empty() && self.statements.contains_key(&name) {
            let text = format!("prepared statement \"{name}\" already exists");
            return Err(Fault::new("42P05", text));
        }
        let parameters = (1..=u16::MAX)
            .take_while(|i| sql.contains(&format!("${i}")))
            .count();
        types.resize(parameters.max(types.len()), 0);
        for oid in &mut types {
            if *oid == 0 {
                *oid = UNKNOWN_PARAMETER;
            }
        }
        let prepared = Prepared {
            sql,
            statement,
            types,
        };
        self.statements.insert(name, prepared);
        self.out.push(backend::parse_complete());
        Ok(())
    }

    pub(super) fn bind(
        &mut self,
        portal: String,
        statement: &str,
        values: Vec<Option<Vec<u8>>>,
        formats: Vec<i16>,
    ) -> Result<(), Fault> {
        let prepared = self.prepared(statement)?.clone();
        self.refuse_in_failed(&prepared.statement)?;
        if values.len() != prepared.types.len() {
            let text = "bind message supplies another number of parameters than are required";
            return Err(Fault::new("08P01", text));
        }
        if !portal.is_empty() && self.portals.contains_key(&portal) {
            let text = format!("portal \"{portal}\" already exists");
            return Err(Fault::new("42P03", text));
        }
        let made = Portal {
            prepared,
            values,
            formats,
            position: 0,
        };
        self.portals.insert(portal, made);
        self.out.push(backend::bind_complete());
        Ok(())
    }

    pub(super) fn describe(&mut self, object: &Object) -> Result<(), Fault> {
        let (prepared, formats) = match object {
            Object::Statement(name) => {
                let prepared = self.prepared(name)?.clone();
                self.out
                    .push(backend::parameter_description(&prepared.types));
                (prepared, Vec::new())
            }
            Object::Portal(name) => {
                let portal = self.portals.get(name).ok_or_else(|| no_portal(name))?;
                (portal.prepared.clone(), portal.formats.clone())
            }
        };
        self.out.push(match prepared.statement.columns() {
            Some(columns) => describe_columns(&columns, &formats),
            None => backend::no_data(),
        });
        Ok(())
    }

    pub(super) fn execute(&mut self, name: &str, max_rows: i32) -> Result<(), Fault> {
        let portal = self.portals.get(name).ok_or_else(|| no_portal(name))?;
        let Prepared { sql, statement, .. } = portal.prepared.clone();
        self.refuse_in_failed(&statement)?;
        let limit = usize::try_from(max_rows).unwrap_or(0);
        if statement.columns().is_some() {
            return self.execute_rows(name, limit);
        }
        let portal = self.portals.get_mut(name).ok_or_else(|| no_portal(name))?;
        if portal.position > 0 && statement != Statement::Empty {
            let text = format!("portal \"{name}\" cannot be run");
            return Err(Fault::new("55000", text));
        }
        portal.position = 1;
        let values = portal.values.clone();
        let ran = self.run(&sql, &statement, &values)?;
        self.conclude(ran, None)
    }

    fn execute_rows(&mut self, name: &str, limit: usize) -> Result<(), Fault> {
        let portal = self.portals.get_mut(name).ok_or_else(|| no_portal(name))?;
        let statement = portal.prepared.statement.clone();
        let rows = rows(&statement, &portal.values);
        let left = rows.len().saturating_sub(portal.position);
        let sent = if limit == 0 { left } else { left.min(limit) };
        for row in rows.iter().skip(portal.position).take(sent) {
            self.out.push(encode_row(&statement, row, &portal.formats));
        }
        portal.position += sent;
        // A limit that was reached suspends the portal, whether anything is left of it or not.
        if limit > 0 && sent == limit {
            self.out.push(backend::portal_suspended());
            return Ok(());
        }
        fails_behind_rows(&statement)?;
        self.out
            .push(backend::command_complete(&format!("SELECT {sent}")));
        Ok(())
    }

    fn prepared(&self, name: &str) -> Result<&Prepared, Fault> {
        let text = || format!("prepared statement \"{name}\" does not exist");
        let found = self.statements.get(name);
        found.ok_or_else(|| Fault::new("26000", text()))
    }
}

fn no_portal(name: &str) -> Fault {
    Fault::new("34000", format!("portal \"{name}\" does not exist"))
}
