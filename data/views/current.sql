-- The current rows of one lake table: every file below its folder, and nothing else lies there.
select {columns} from read_parquet({files}, hive_partitioning = false, union_by_name = true)
