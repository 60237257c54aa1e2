{{ config(materialized='incremental', unique_key='player_game_id', incremental_strategy='merge') }}

with games as (
    select * from {{ ref('stg_games') }}
    {% if is_incremental() -%}
    -- load ids are times, so what came since the last build has a greater one
    where load_id > (select coalesce(max(load_id), '') from {{ this }})
    {%- endif %}
),

sides as (
    {{ player_side('white', 'black') }}
    union all
    {{ player_side('black', 'white') }}
)

select sides.*, results.outcome, results.points
from sides
left join {{ ref('results') }} as results on results.result = sides.result
