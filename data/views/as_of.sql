-- The rows of one lake table as they were known at an instant. A current row that was known by then is the
-- row of that instant; otherwise it is the superseded row whose time of validity includes the instant.
select * from ({current}) where known_at <= instant::timestamptz
union all
select * exclude (superseded_at) from ({superseded}) as past
anti join (select {key} from ({current}) where known_at <= instant::timestamptz) as present using ({key})
where known_at <= instant::timestamptz and superseded_at > instant::timestamptz
