-- A table that has no file yet: its columns, without rows.
select {columns} where false
