-- For the profile postgres; mxctl apply runs it, and mxctl warehouse ddl prints it.
-- One table a topic; columns follow schemas/order_row.avsc, price_observation.avsc and weather.avsc. A second run changes
-- nothing. The key makes writing again harmless; a version of an order has a key of its own, so that none is lost.
-- The last three columns are filled by a transform of Connect: when the record was written, and where it lies.
create schema if not exists raw_data;

create table if not exists raw_data.orders (
    record_key text primary key,
    version bigint not null,
    platform text,
    merchant_id text,
    order_id text,
    line_id text,
    product_id text,
    sku text,
    product_name text,
    category text,
    line_kind text,
    is_test boolean,
    quantity bigint,
    quantity_cancelled bigint,
    quantity_returned bigint,
    quantity_unclear bigint,
    quantity_net bigint,
    price numeric(18, 4),
    price_discounted numeric(18, 4),
    net_sales numeric(18, 4),
    currency text,
    customer_currency text,
    tax numeric(18, 4),
    shipping numeric(18, 4),
    order_status text,
    financial_status text,
    fulfillment_status text,
    cancelled_at timestamptz,
    cancel_reason text,
    shipping_city text,
    place_code text,
    customer_phone_hash text,
    customer_email_hash text,
    ordered_at timestamptz,
    updated_at timestamptz,
    collected_at timestamptz,
    ingestion_time timestamptz,
    record_partition integer,
    record_offset bigint
);
create index if not exists orders_by_line on raw_data.orders (platform, merchant_id, order_id, line_id, version desc);

create table if not exists raw_data.price_history (
    record_key text primary key,
    version bigint not null,
    platform text,
    merchant_id text,
    order_id text,
    line_id text,
    product_id text,
    sku text,
    product_name text,
    line_kind text,
    is_test boolean,
    price numeric(18, 4),
    price_discounted numeric(18, 4),
    currency text,
    recorded_at timestamptz,
    collected_at timestamptz,
    ingestion_time timestamptz,
    record_partition integer,
    record_offset bigint
);
create index if not exists prices_by_product on raw_data.price_history (platform, merchant_id, product_id, recorded_at desc);

create table if not exists raw_data.weather_logs (
    record_key text primary key,
    version bigint not null,
    city text,
    place_code text,
    latitude double precision,
    longitude double precision,
    temperature double precision,
    feels_like double precision,
    humidity integer,
    pressure double precision,
    wind_speed double precision,
    rain_1h double precision,
    condition text,
    is_extreme_weather boolean,
    provider text,
    condition_code integer,
    rain_class text,
    wind_force integer,
    heat_index double precision,
    severity integer,
    severity_cause text,
    observed_at timestamptz,
    collected_at timestamptz,
    ingestion_time timestamptz,
    record_partition integer,
    record_offset bigint
);
create index if not exists weather_by_place on raw_data.weather_logs (place_code, observed_at desc);
