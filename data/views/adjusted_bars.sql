-- Daily bars in the price and share scale of one session, bars and actions as known at an instant: one row per
-- (symbol, session). An action takes effect on the symbol's first bar at or after its ex-date; those of one bar apply
-- in the order of ex-dates, and of one day dividends, splits, spin-offs. A dividend is worth its part of the close
-- before it, a spin-off its factor or else the close of the new company's first bar times the shares received.
-- Prices are those of the Python reader to a relative 1e-12: products are taken in no fixed order here. What goes on
-- after more than a month without a bar is another instrument (features/seams.py): no action reaches across.
with bars as not materialized (
  select *, count(*) filter (session - session_before > 30) over (partition by symbol order by session) as instrument
  from (
    select *, lag(session) over (partition by symbol order by session) as session_before
    from {bars}(coalesce(as_of::timestamptz, 'infinity'::timestamptz))
    where seen_from is null or session <= seen_from::date
  )
),
newest as (select coalesce(seen_from::date, max(session)) as session from bars),
actions as (
  select * from {actions}(coalesce(as_of::timestamptz, 'infinity'::timestamptz))
  where ex_date <= (select session from newest)
    and (kind = 'split' and adjust in ('split', 'all') or kind in ('cash_dividend', 'spin_off') and adjust = 'all')
),
known as (
  select a.*, b.close as last_close, b.instrument from actions a
  asof join bars b on a.symbol = b.symbol and a.ex_date > b.session
),
placed as (
  select k.*, case when b.instrument = k.instrument then b.session end as effective_session from known k
  asof left join bars b on k.symbol = b.symbol and k.ex_date <= b.session
  where b.instrument is null or b.instrument = k.instrument or k.ex_date < b.session
),
steps as (
  select p.symbol, p.instrument, p.effective_session, p.last_close, p.ex_date,
    case p.kind when 'cash_dividend' then 0 when 'split' then 1 else 2 end as place,
    case p.kind
      when 'cash_dividend' then p.cash_usd
      when 'split' then p.split_ratio
      else coalesce(p.price_factor, p.share_ratio * w.close)
    end as amount,
    p.kind = 'cash_dividend' or (p.kind = 'spin_off' and p.price_factor is null) as is_cash,
    p.kind = 'split' as is_split
  from placed p
  left join {bars}(coalesce(as_of::timestamptz, 'infinity'::timestamptz)) w
    on p.kind = 'spin_off' and w.symbol = p.new_symbol and w.session = p.effective_session
),
changes as (
  select symbol, instrument, effective_session, list_reduce(
    list({{'amount': amount, 'is_cash': is_cash, 'is_split': is_split}} order by ex_date, place),
    lambda state, action: case
      when action.is_cash and action.amount >= state.last then state
      when action.is_cash then {{'last': state.last - action.amount,
        'price': state.price * ((state.last - action.amount) / state.last), 'share': state.share}}
      when action.is_split then {{'last': state.last / action.amount,
        'price': state.price / action.amount, 'share': state.share * action.amount}}
      else {{'last': state.last * action.amount, 'price': state.price * action.amount, 'share': state.share}}
    end,
    {{'last': any_value(last_close), 'price': 1.0::double, 'share': 1.0::double}}) as step
  from steps where isfinite(amount) and amount > 0 group by all
),
factors as (
  select symbol, instrument, effective_session,
    product(step.price) over since as price_factor, product(step.share) over since as share_factor,
    product(step.price) over own as last_price, product(step.share) over own as last_share
  from changes
  window since as (partition by symbol, instrument order by effective_session nulls last),
    own as (partition by symbol, instrument)
),
scales as (
  select symbol, instrument, effective_session, last_price / price_factor as price_scale, last_share / share_factor as share_scale
  from factors where effective_session is not null
  union all by name
  select distinct symbol, instrument, '-infinity'::date as effective_session, last_price as price_scale, last_share as share_scale
  from factors
)
select b.* exclude (session_before, instrument) replace (
    open * coalesce(price_scale, 1) as open, high * coalesce(price_scale, 1) as high,
    low * coalesce(price_scale, 1) as low, close * coalesce(price_scale, 1) as close,
    vwap * coalesce(price_scale, 1) as vwap, volume * coalesce(share_scale, 1) as volume
  ),
  coalesce(price_scale, 1) as price_scale, coalesce(share_scale, 1) as share_scale
from bars b asof left join scales s
  on b.symbol = s.symbol and b.instrument = s.instrument and b.session >= s.effective_session
