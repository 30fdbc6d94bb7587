-- What analysts read; the same names and meaning as in connect-config/warehouse/03_views.sql.
create or replace view raw_data.orders_latest as
select distinct on (platform, merchant_id, order_id, line_id)
    record_key,
    version,
    platform,
    merchant_id,
    order_id,
    line_id,
    product_id,
    sku,
    product_name,
    category,
    coalesce(line_kind, 'product') as line_kind,
    coalesce(is_test, false) as is_test,
    quantity,
    coalesce(quantity_cancelled, 0) as quantity_cancelled,
    coalesce(quantity_returned, 0) as quantity_returned,
    coalesce(quantity_unclear, 0) as quantity_unclear,
    coalesce(quantity_net, quantity) as quantity_net,
    price,
    coalesce(price_discounted, price) as price_discounted,
    coalesce(net_sales, quantity * price) as net_sales,
    currency,
    customer_currency,
    tax,
    shipping,
    order_status,
    financial_status,
    fulfillment_status,
    cancelled_at,
    cancel_reason,
    shipping_city,
    place_code,
    customer_phone_hash,
    customer_email_hash,
    ordered_at,
    updated_at,
    collected_at,
    ingestion_time
from raw_data.orders
where order_id not like 'millionx-canary-%'
order by platform, merchant_id, order_id, line_id, version desc, collected_at desc, ingestion_time desc;

-- Prices paid at shops of ours (source_kind order) and shown by anybody's shop (listing; merchant_id is the seller's id),
-- the last of each: price is the list price, price_discounted what a buyer pays. position is that of the last search.
-- Free lines and tips show no price of a product, test orders none that anybody paid.
create or replace view raw_data.prices_latest as
select distinct on (coalesce(source_kind, 'order'), platform, merchant_id, product_id, variant_id)
    platform,
    merchant_id,
    product_id,
    sku,
    product_name,
    price,
    price_discounted,
    currency,
    recorded_at,
    coalesce(source_kind, 'order') as source_kind,
    seller,
    variant_id,
    in_stock,
    stock,
    rating,
    review_count,
    sold_count,
    position,
    found_by,
    keyword
from raw_data.price_history
where coalesce(order_id, '') not like 'millionx-canary-%'
    and product_id not like 'millionx-canary%'
    and coalesce(line_kind, 'product') = 'product'
    and not coalesce(is_test, false)
order by
    coalesce(source_kind, 'order'), platform, merchant_id, product_id, variant_id,
    recorded_at desc, version desc, collected_at desc, ingestion_time desc;

-- A day is a day in Dhaka. Units are those that are left: what was cancelled, returned or refunded, what is not paid for
-- on a platform that ships on payment, and test orders are no demand; gift cards and tips are no products.
create or replace view raw_data.demand_daily as
select
    (ordered_at at time zone 'Asia/Dhaka')::date as day,
    platform,
    merchant_id,
    category,
    product_id,
    currency,
    count(distinct order_id) as orders,
    sum(quantity_net) as units,
    sum(net_sales)::numeric(28, 4) as revenue
from raw_data.orders_latest
where quantity_net > 0
    and line_kind = 'product'
    and not is_test
group by 1, 2, 3, 4, 5, 6;

-- Of the products ordered on a day, what was taken back since.
create or replace view raw_data.returns_daily as
select
    (ordered_at at time zone 'Asia/Dhaka')::date as day,
    platform,
    merchant_id,
    category,
    product_id,
    currency,
    sum(quantity) as units_ordered,
    sum(quantity_cancelled) as units_cancelled,
    sum(quantity_returned) as units_returned,
    sum(quantity_unclear) as units_unclear,
    sum((quantity_cancelled + quantity_returned) * price_discounted)::numeric(28, 4) as value_taken_back
from raw_data.orders_latest
where quantity_cancelled + quantity_returned + quantity_unclear > 0
    and line_kind = 'product'
    and not is_test
group by 1, 2, 3, 4, 5, 6;

-- One observation of a place and hour: the last of the hour as its provider tells time (observed_at); recorded_at is when
-- we read it. rain_1h is null where it rains and nobody says how much. severity is 0 to 4, by connectors/data/weather.json.
create or replace view raw_data.weather_hourly as
select distinct on (place_code, date_trunc('hour', observed_at, 'UTC'))
    place_code, date_trunc('hour', observed_at, 'UTC') as hour, city, temperature, feels_like, humidity, pressure,
    wind_speed, wind_force, rain_1h, rain_class, heat_index, condition, condition_code, is_extreme_weather, severity,
    severity_cause, provider, observed_at, collected_at as recorded_at
from raw_data.weather_logs
where place_code is not null
order by place_code, date_trunc('hour', observed_at, 'UTC'), observed_at desc, provider desc nulls last, version desc,
    collected_at desc;

-- A day in Dhaka, classed by its rain as the Bangladesh Meteorological Department classes 24 hours. hours_measured says of
-- how many hours the rain is known: of fewer than 24 the sum is what was seen, not what fell.
create or replace view raw_data.weather_daily as
select
    (hour at time zone 'Asia/Dhaka')::date as day,
    place_code,
    count(*) as hours,
    count(rain_1h) as hours_measured,
    min(temperature) as temperature_min,
    max(temperature) as temperature_max,
    sum(rain_1h) as rain_24h,
    case
        when sum(rain_1h) >= 88.5 then 'very heavy'
        when sum(rain_1h) >= 43.5 then 'heavy'
        when sum(rain_1h) >= 22.5 then 'moderately heavy'
        when sum(rain_1h) >= 10.5 then 'moderate'
        when sum(rain_1h) >= 0.5 then 'light'
        when sum(rain_1h) >= 0 then 'none'
    end as rain_class,
    max(severity) as severity
from raw_data.weather_hourly
group by 1, 2;

-- Each order beside the weather of its district in the hour in which it was placed, or in the nearest of the two before.
-- Places meet by their code. weather_observed_at is the provider's time, weather_recorded_at ours.
create or replace view raw_data.orders_with_weather as
select
    o.record_key, o.platform, o.merchant_id, o.order_id, o.line_id, o.product_id, o.category, o.quantity,
    o.quantity_net, o.price, o.currency, o.shipping_city, o.place_code, o.ordered_at,
    w.observed_at as weather_observed_at, w.recorded_at as weather_recorded_at, w.provider as weather_provider,
    w.temperature, w.humidity, w.wind_speed, w.rain_1h, w.rain_class, w.condition, w.is_extreme_weather, w.severity,
    w.severity_cause
from raw_data.orders_latest as o
left join lateral (
    select *
    from raw_data.weather_hourly as seen
    where seen.place_code = o.place_code
        and seen.hour <= o.ordered_at
        and seen.hour > date_trunc('hour', o.ordered_at, 'UTC') - interval '3 hours'
    order by seen.hour desc
    limit 1
) as w on true;
