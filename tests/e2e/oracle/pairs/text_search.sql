-- family: text-search-parser
create schema s;
-- variant: plain
create text search parser p (start = prsd_start, gettoken = prsd_nexttoken, end = prsd_end, lextypes = prsd_lextype);
-- variant: headline
create text search parser p (start = prsd_start, gettoken = prsd_nexttoken, end = prsd_end, lextypes = prsd_lextype, headline = prsd_headline);
-- variant: function
create function starts(internal, int) returns internal language internal as 'prsd_start'; create text search parser p (start = starts, gettoken = prsd_nexttoken, end = prsd_end, lextypes = prsd_lextype);
-- variant: no-function
create function starts(internal, int) returns internal language internal as 'prsd_start'; create text search parser p (start = prsd_start, gettoken = prsd_nexttoken, end = prsd_end, lextypes = prsd_lextype);
-- variant: comment
create text search parser p (start = prsd_start, gettoken = prsd_nexttoken, end = prsd_end, lextypes = prsd_lextype); comment on text search parser p is 'one';
-- variant: renamed
create text search parser p (start = prsd_start, gettoken = prsd_nexttoken, end = prsd_end, lextypes = prsd_lextype); alter text search parser p rename to q;
-- variant: moved
create text search parser p (start = prsd_start, gettoken = prsd_nexttoken, end = prsd_end, lextypes = prsd_lextype); alter text search parser p set schema s;

-- family: text-search-template
create schema s;
-- variant: plain
create text search template t (lexize = dsimple_lexize);
-- variant: init
create text search template t (lexize = dsimple_lexize, init = dsimple_init);
-- variant: lexize
create text search template t (lexize = dispell_lexize);
-- variant: comment
create text search template t (lexize = dsimple_lexize); comment on text search template t is 'one';
-- variant: renamed
create text search template t (lexize = dsimple_lexize); alter text search template t rename to u;
-- variant: moved
create text search template t (lexize = dsimple_lexize); alter text search template t set schema s;

-- family: text-search-dictionary
create schema s;
-- variant: plain
create text search dictionary d (template = simple);
-- variant: option
create text search dictionary d (template = simple, accept = false);
-- variant: option-altered same-as: option
create text search dictionary d (template = simple); alter text search dictionary d (accept = false);
-- variant: option-back same-as: plain
create text search dictionary d (template = simple, accept = false); alter text search dictionary d (accept);
-- variant: template
create text search dictionary d (template = snowball, language = english);
-- variant: language
create text search dictionary d (template = snowball, language = german);
-- variant: stopwords
create text search dictionary d (template = snowball, language = english, stopwords = english);
-- variant: owner
create text search dictionary d (template = simple); alter text search dictionary d owner to alice;
-- variant: comment
create text search dictionary d (template = simple); comment on text search dictionary d is 'one';
-- variant: renamed
create text search dictionary d (template = simple); alter text search dictionary d rename to e;
-- variant: moved
create text search dictionary d (template = simple); alter text search dictionary d set schema s;
-- variant: dropped same-as: base
create text search dictionary d (template = simple); drop text search dictionary d;

-- family: text-search-configuration
create schema s; create text search dictionary d (template = simple); create text search parser p (start = prsd_start, gettoken = prsd_nexttoken, end = prsd_end, lextypes = prsd_lextype);
-- variant: plain
create text search configuration c (parser = default);
-- variant: parser
create text search configuration c (parser = p);
-- variant: copy
create text search configuration c (copy = simple);
-- variant: copy-english
create text search configuration c (copy = english);
-- variant: mapping
create text search configuration c (parser = default); alter text search configuration c add mapping for word with simple;
-- variant: mapping-token
create text search configuration c (parser = default); alter text search configuration c add mapping for asciiword with simple;
-- variant: mapping-dictionary
create text search configuration c (parser = default); alter text search configuration c add mapping for word with d;
-- variant: mapping-two
create text search configuration c (parser = default); alter text search configuration c add mapping for word with d, simple;
-- variant: mapping-two-swapped
create text search configuration c (parser = default); alter text search configuration c add mapping for word with simple, d;
-- variant: mapping-replaced same-as: mapping-dictionary
create text search configuration c (parser = default); alter text search configuration c add mapping for word with simple; alter text search configuration c alter mapping for word replace simple with d;
-- variant: mapping-dropped same-as: plain
create text search configuration c (parser = default); alter text search configuration c add mapping for word with simple; alter text search configuration c drop mapping for word;
-- variant: owner
create text search configuration c (parser = default); alter text search configuration c owner to alice;
-- variant: comment
create text search configuration c (parser = default); comment on text search configuration c is 'one';
-- variant: renamed
create text search configuration c (parser = default); alter text search configuration c rename to b;
-- variant: moved
create text search configuration c (parser = default); alter text search configuration c set schema s;
-- variant: dropped same-as: base
create text search configuration c (parser = default); drop text search configuration c;
