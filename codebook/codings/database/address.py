"""A database by its address, through SQLAlchemy."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from codebook.codings.database.frames import Sheet, refused
from codebook.errors import MissingExtraError

_AT_ONCE = 500


def write_address(sheets: Sequence[Sheet], address: str) -> None:
    """Write sheets into the database at an address, in one transaction."""
    try:
        import sqlalchemy as sql
    except ImportError:
        raise MissingExtraError("A database by its address", "database") from None
    try:
        engine = sql.create_engine(address)
        try:
            with engine.begin() as connection:
                if engine.dialect.name == "sqlite":  # its driver begins no transaction for a new table
                    connection.exec_driver_sql("BEGIN IMMEDIATE")
                for sheet in sheets:
                    _write_sheet(sql, connection, sheet)
        finally:
            engine.dispose()
    except (sql.exc.SQLAlchemyError, ImportError) as error:
        # the whole message may hold the address with its password, or rows of the data
        raise refused(str(getattr(error, "orig", None) or type(error).__name__)) from None


def _write_sheet(sql: Any, connection: Any, sheet: Sheet) -> None:
    there = sql.inspect(connection).has_table(sheet.name)
    table = _widen(sql, connection, sheet) if there else _create(sql, connection, sheet)
    if sheet.runs:
        connection.execute(table.delete().where(table.c.run_id.in_(sheet.runs)))
    if scopes := sheet.scopes():
        same = sql.and_(*(table.c[name] == sql.bindparam(f"scope_{name}") for name in sheet.scope))
        values = [{f"scope_{name}": cell for name, cell in zip(sheet.scope, scope, strict=True)} for scope in scopes]
        connection.execute(table.delete().where(same), values)
    for start in range(0, len(sheet.rows), _AT_ONCE):
        some = sheet.rows[start : start + _AT_ONCE]
        connection.execute(table.insert(), [dict(zip(sheet.kinds, row, strict=True)) for row in some])


def _create(sql: Any, connection: Any, sheet: Sheet) -> Any:
    """A new table. Texts of a key have 255 characters, since some databases take no others there."""
    columns = []
    for name, kind in sheet.kinds.items():
        is_key = name in sheet.key
        column_type = sql.String(255) if is_key and kind == "text" else _types(sql)[kind]
        columns.append(sql.Column(name, column_type, primary_key=is_key, autoincrement=False))
    table = sql.Table(sheet.name, sql.MetaData(), *columns)
    table.create(connection)
    return table


def _widen(sql: Any, connection: Any, sheet: Sheet) -> Any:
    """The table that is there, with the columns that it lacked."""
    table = sql.Table(sheet.name, sql.MetaData(), autoload_with=connection)
    own_key = [column.name for column in table.primary_key]
    if set(own_key) != set(sheet.key):
        raise refused(f"table {sheet.name!r} exists with another key ({', '.join(own_key) or 'none'})")
    quote = connection.dialect.identifier_preparer.quote
    for name in [name for name in sheet.kinds if name not in table.columns]:
        kind = _types(sql)[sheet.kinds[name]]().compile(connection.dialect)
        connection.execute(sql.DDL(f"ALTER TABLE {quote(sheet.name)} ADD COLUMN {quote(name)} {kind}"))
    return sql.Table(sheet.name, sql.MetaData(), autoload_with=connection)


def _types(sql: Any) -> dict[str, Any]:
    return {"integer": sql.BigInteger, "real": sql.Float, "text": sql.Text}
