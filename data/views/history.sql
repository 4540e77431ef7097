-- The superseded rows of one lake table. A superseded row that is still current comes from a write that was
-- interrupted before it took effect: it does not count.
select * from ({superseded}) as past
anti join (select {version} from ({current})) as present using ({version})
