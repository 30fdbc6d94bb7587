-- What analysts read; the same names and meaning as in connect-config/warehouse/03_views.sql.
create or replace view raw_data.orders_latest as
select distinct on (source, order_id, line_id)
    record_key, version, source, order_id, line_id, product_id, sku, title, category, quantity, price, currency, status,
    shipping_city, customer_phone_hash, customer_email_hash, ordered_at, updated_at, collected_at, ingestion_time
from raw_data.orders
order by source, order_id, line_id, version desc;

create or replace view raw_data.prices_latest as
select distinct on (source, product_id)
    source, product_id, sku, title, price, currency, observed_at
from raw_data.price_history
order by source, product_id, observed_at desc, version desc;

-- A day is a day in Dhaka. Orders that came to nothing are no demand.
create or replace view raw_data.demand_daily as
select
    (ordered_at at time zone 'Asia/Dhaka')::date as day,
    source,
    category,
    product_id,
    currency,
    count(distinct order_id) as orders,
    sum(quantity) as units,
    sum(quantity * price)::numeric(28, 4) as revenue
from raw_data.orders_latest
where lower(status) not in ('cancelled', 'canceled', 'voided', 'refunded', 'returned', 'failed')
group by 1, 2, 3, 4, 5;

-- Each order beside the last weather seen in its city, at most three hours before it.
create or replace view raw_data.orders_with_weather as
select
    o.record_key, o.source, o.order_id, o.line_id, o.product_id, o.category, o.quantity, o.price, o.currency,
    o.shipping_city, o.ordered_at, w.observed_at as weather_at, w.temperature, w.humidity, w.wind_speed, w.rain_1h,
    w.condition, w.extreme
from raw_data.orders_latest as o
left join lateral (
    select *
    from raw_data.weather_logs as seen
    where lower(seen.city) = lower(o.shipping_city)
        and seen.observed_at <= o.ordered_at
        and seen.observed_at > o.ordered_at - interval '3 hours'
    order by seen.observed_at desc, seen.version desc
    limit 1
) as w on true;
