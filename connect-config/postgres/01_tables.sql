-- For the profile postgres: psql -v ON_ERROR_STOP=1 -f connect-config/postgres/01_tables.sql -f …/02_views.sql
-- One table a topic; columns follow schemas/order_row.avsc, price_observation.avsc and weather.avsc. A second run changes
-- nothing. The key makes writing again harmless; a version of an order has a key of its own, so that none is lost.
create schema if not exists raw_data;

create table if not exists raw_data.orders (
    record_key text primary key,
    version bigint not null,
    source text,
    order_id text,
    line_id text,
    product_id text,
    sku text,
    title text,
    category text,
    quantity bigint,
    price numeric(18, 4),
    currency text,
    status text,
    shipping_city text,
    customer_phone_hash text,
    customer_email_hash text,
    ordered_at timestamptz,
    updated_at timestamptz,
    collected_at timestamptz,
    ingestion_time timestamptz
);
create index if not exists orders_by_line on raw_data.orders (source, order_id, line_id, version desc);

create table if not exists raw_data.price_history (
    record_key text primary key,
    version bigint not null,
    source text,
    order_id text,
    line_id text,
    product_id text,
    sku text,
    title text,
    price numeric(18, 4),
    currency text,
    observed_at timestamptz,
    collected_at timestamptz,
    ingestion_time timestamptz
);
create index if not exists prices_by_product on raw_data.price_history (source, product_id, observed_at desc);

create table if not exists raw_data.weather_logs (
    record_key text primary key,
    version bigint not null,
    city text,
    latitude double precision,
    longitude double precision,
    temperature double precision,
    feels_like double precision,
    humidity integer,
    pressure double precision,
    wind_speed double precision,
    rain_1h double precision,
    condition text,
    extreme boolean,
    observed_at timestamptz,
    collected_at timestamptz,
    ingestion_time timestamptz
);
create index if not exists weather_by_city on raw_data.weather_logs (lower(city), observed_at desc);
