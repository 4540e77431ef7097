-- A Postgres table as of the end of the last run.
select * from read_parquet({files})
