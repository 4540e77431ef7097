-- The current rows of one lake table: every file below its folder, and nothing else lies there. A column that no
-- file has yet reads as null, as one does that only older files lack.
select {columns} from ({empty} union all by name
  select * from read_parquet({files}, hive_partitioning = false, union_by_name = true))
